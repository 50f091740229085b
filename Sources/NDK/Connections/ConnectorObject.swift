import CNDK
import LAM

/// `NDK_CONNECTOR`.
final class ConnectorObject: ProviderObject, @unchecked Sendable {
    private let parent: AdapterObject
    let connector: Connector
    /// What came with a refusal, of which the connection itself keeps nothing.
    private let refusal = Monitor<[UInt8]?>(nil)

    /// For a program that connects.
    init(on adapter: AdapterObject) throws(StatusError) {
        let antecedents = try Antecedents([adapter])
        parent = adapter
        do throws(ConnectionError) { connector = try adapter.lam.createConnector() } catch {
            throw StatusError(error)
        }
        super.init(NdkObjectTypeConnector, needs: antecedents)
    }

    /// For a request that a listener got.
    init(_ connector: Connector, of listener: ListenerObject) throws(StatusError) {
        let antecedents = try Antecedents([listener.adapter, listener])
        parent = listener.adapter
        self.connector = connector
        super.init(NdkObjectTypeConnector, needs: antecedents)
    }

    override var adapter: AdapterObject { parent }

    override func cancel() {
        hold()
        connector.abandon { self.release() }
    }

    // MARK: Calls

    /// What to tell the program when a call on the connection is over.
    func completion(_ request: Request) -> Connector.Completion {
        { result in
            switch result {
            case .success:
                request.end()
            case .failure(let error):
                self.note(error)
                request.end(StatusError(error))
            }
        }
    }

    private func note(_ error: ConnectionError) {
        switch error {
        case .refused(_, _, let data), .aborted(_, let data):
            if !data.isEmpty { refusal.withLock { $0 = data } }
        default: break
        }
    }

    /// What the peer sent last, and the limits of reads.
    var data: (bytes: [UInt8], inbound: UInt8, outbound: UInt8)? {
        let known = connector.connectionData
        guard let bytes = refusal.withLock({ $0 }) ?? known?.privateData else { return nil }
        return (bytes, known?.inboundReadLimit ?? 0, known?.outboundReadLimit ?? 0)
    }

    /// Has a queue pair of the same adapter belong to the connection.
    func adopt(_ queuePair: QueuePairObject) throws(StatusError) {
        guard queuePair.adapter === adapter else {
            throw StatusError(.invalidParameter, "the queue pair is of another adapter")
        }
        try require(queuePair)
    }

    /// Calls the program when the peer has disconnected; once, before the connector's end.
    func disconnectEvent(_ callback: (@Sendable (ULONG) -> Void)?) -> (@Sendable (ConnectionEnd) -> Void)? {
        guard let callback else { return nil }
        return { [callbacks = adapter.callbacks] end in
            // The end of a queue pair is this side's own doing, and shows in its results.
            guard end == .disconnectedByPeer || end == .deviceRemoved else { return }
            callbacks.run { callback(0) }
        }
    }
}

extension ConnectionOptions {
    /// As the interface has it: what is posted survives the peer's disconnect, and limits beyond a byte are the largest
    /// there are.
    init(inboundReads: ULONG, outboundReads: ULONG) {
        self.init(
            inboundReadLimit: UInt8(clamping: inboundReads), outboundReadLimit: UInt8(clamping: outboundReads))
        flushesWhenPeerDisconnects = false
    }
}

/// How long calls wait for a peer. A program may be slow to answer; the connection manager itself would wait 98 s.
enum PeerPatience {
    static let answer = Duration.seconds(90)
    static let confirmation = Duration.seconds(5)
}

/// Private data that a program passes.
///
/// - Throws: ``StatusError`` for more than the transport carries.
func privateData(_ bytes: UnsafeMutableRawPointer?, _ length: ULONG, atMost limit: Int) throws(StatusError) -> [UInt8] {
    guard length <= limit else {
        throw StatusError(ConnectionError.privateDataTooLong(asked: Int(length), limit: limit))
    }
    guard unsafe length == 0 || bytes != nil else { throw StatusError(.invalidParameter, "pPrivateData is NULL") }
    return unsafe Array(UnsafeRawBufferPointer(start: bytes, count: Int(length)))
}
