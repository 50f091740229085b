import Glibc
import Verbs

/// How many reads may be under way at a time, in both directions.
struct ReadLimits: Hashable {
    var inbound: UInt8
    var outbound: UInt8
}

extension Connection {
    /// Takes a queue pair that no connection has had yet.
    func attach(_ core: QueuePairCore) throws(ConnectionError) {
        guard core.adapter.core === table.core, !core.isConnected else {
            throw .queuePairNotUsable(number: core.number)
        }
        let isAttached = core.attachConnection { [number, mailbox = table.mailbox] in
            mailbox.run { $0.connection(number)?.queuePairEnded() }
        }
        guard isAttached else { throw .queuePairNotUsable(number: core.number) }
        queuePair = core
    }

    /// Lets go of a queue pair that is as it was.
    func detachQueuePair() {
        queuePair?.detachConnection()
        queuePair = nil
    }

    /// Ends a queue pair that was used, so that everything it holds is flushed and becomes releasable.
    func endQueuePair() {
        guard let core = queuePair else { return }
        detachQueuePair()
        core.endPosting()
    }

    /// The limits of reads that both sides and the adapter allow.
    var reads: ReadLimits {
        let own = table.info.capped(options)
        return ReadLimits(
            inbound: min(own.inboundReadLimit, peerReads.outbound),
            outbound: min(own.outboundReadLimit, peerReads.inbound))
    }

    /// Takes the queue pair through its states until it can send.
    func makeReady() throws(ConnectionError) {
        guard let queuePair, let identifier else { return }
        do {
            try queuePair.makeReady(for: identifier, options, reads)
        } catch {
            throw gaveUp(error)
        }
    }

    /// What a refused step of the handshake means.
    ///
    /// The connection manager says `EINVAL` where the peer has gone meanwhile (T55).
    func gaveUp(_ error: VerbError) -> ConnectionError {
        if let queuePair, queuePair.hasEnded { return .queuePairNotUsable(number: queuePair.number) }
        guard error.code == EINVAL, error.verb != .modifyQueuePair else { return ConnectionError(error) }
        return .aborted(peer, privateData: [])
    }
}
