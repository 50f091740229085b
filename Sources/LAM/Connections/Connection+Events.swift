import Glibc
import Verbs

extension Connection {
    func handle(_ event: ConnectionEvent) {
        switch (phase, event.kind) {
        case (_, .deviceRemoval):
            end(.deviceRemoved, failing: .deviceRemoved)
        case (.resolvingAddress, .addressResolved):
            addressResolved()
        case (.resolvingRoute, .routeResolved):
            routeResolved()
        case (.connecting, .connectResponse):
            responded(event)
        case (.accepting, .established):
            established()
        case (.connected, .disconnected):
            peerDisconnected()
        case (.disconnecting, .disconnected):
            finishDisconnect(event.status == 0 ? .arrived : .timedOut)
        case (.responded, .rejected), (.responded, .disconnected), (.responded, .unreachable),
            (.responded, .connectError):
            peerGaveUp(event)
        default:
            handleFailure(event)
        }
    }

    /// The peer has accepted and then changed its mind, or died, before the connection was completed.
    private func peerGaveUp(_ event: ConnectionEvent) {
        abortion = .aborted(peer, privateData: event.privateData)
        detachQueuePair()
        end(.notEstablished)
    }

    /// What ends an attempt. Anything else changes nothing: UNREACHABLE on an established connection is a warning that
    /// may be over in a moment, and TIMEWAIT_EXIT is about the past.
    private func handleFailure(_ event: ConnectionEvent) {
        switch phase {
        case .resolvingAddress, .resolvingRoute, .connecting, .accepting: break
        default: return
        }
        switch event.kind {
        case .addressError, .routeError:
            fail(ConnectionError(resolution: event.status, to: peer))
        case .unreachable:
            fail(unreachable(event))
        case .rejected where phase != .accepting:
            fail(.refused(peer, reason: RefusalReason(status: event.status), privateData: event.privateData))
        case .rejected, .connectError, .disconnected:
            fail(.aborted(peer, privateData: event.privateData))
        default: break
        }
    }

    private func unreachable(_ event: ConnectionEvent) -> ConnectionError {
        if event.status == -ETIMEDOUT, let call {
            return .timedOut(peer, after: call.elapsed)
        }
        return ConnectionError(resolution: event.status, to: peer)
    }

    // MARK: What is known

    /// Keeps what the peer told.
    func note(_ event: ConnectionEvent) {
        peerReads = ReadLimits(inbound: event.peerInboundReads, outbound: event.peerOutboundReads)
        let reads = reads
        facts.update {
            $0.data = ConnectionData(
                privateData: event.privateData, inboundReadLimit: reads.inbound, outboundReadLimit: reads.outbound)
        }
    }

    /// Keeps the limits that follow from the options, which a passive side gives later than its peer.
    func noteReads() {
        let reads = reads
        facts.update {
            $0.data = ConnectionData(
                privateData: $0.data?.privateData ?? [], inboundReadLimit: reads.inbound,
                outboundReadLimit: reads.outbound)
        }
    }

    /// Keeps both addresses. Those of a request come without their link, which is that of the listener.
    func noteAddresses(of identifier: ConnectionIdentifier, onLink scopeID: UInt32 = 0) {
        facts.update {
            $0.localAddress = identifier.localAddress.map { SocketAddress($0).onLink(scopeID) }
            $0.peerAddress = identifier.peerAddress.map { SocketAddress($0).onLink(scopeID) }
        }
    }

    // MARK: What is told

    func parameters(_ queuePair: QueuePairCore, privateData: [UInt8]) -> ConnectionParameters {
        ConnectionParameters(
            queuePairNumber: queuePair.number, inboundReads: reads.inbound, outboundReads: reads.outbound,
            retries: options.retryCount, receiverNotReadyRetries: options.receiverNotReadyRetryCount,
            privateData: privateData)
    }

    func checkPrivateData(_ data: [UInt8], limit: Int) throws(ConnectionError) {
        guard data.count <= limit else { throw .privateDataTooLong(asked: data.count, limit: limit) }
    }
}

/// Bytes that the transport carries beside the messages of the connection manager.
enum PrivateDataLimit {
    /// With a connect.
    static let request = 56
    /// With a reject; an accept could carry more, but one limit is easier to keep.
    static let answer = 148
}
