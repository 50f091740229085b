import Verbs

/// The state machine of one connection.
///
/// Lives on the connection thread, like its ``ConnectionTable``.
final class Connection: ConnectionEventReceiver {
    let number: UInt64
    let facts: ConnectionFacts
    let table: ConnectionTable

    var phase: Phase {
        didSet { facts.update { $0.state = phase.state } }
    }
    /// Of the present attempt; nil before it and after the end.
    var identifier: ConnectionIdentifier?
    /// The listener's address, or the shared one; nil where the connection has an address of its own.
    var endpoint: LocalEndpoint?
    /// The queue pair that the connection has attached itself to.
    var queuePair: QueuePairCore?
    var options = ConnectionOptions()
    /// Whom messages and errors name.
    var peer: SocketAddress
    /// The reads that the peer wants to have under way, and those that it answers; before it spoke, what the adapter
    /// can.
    var peerReads = ReadLimits(inbound: .max, outbound: .max)
    /// The private data of the active side, until the route is known.
    var requestData: [UInt8] = []
    /// Why the peer, having accepted, gave the connection up before it was completed.
    var abortion: ConnectionError?

    /// The connect or accept under way.
    var call: PendingCall?
    var disconnects: [PendingCall] = []
    var watchers: [UInt64: @Sendable (ConnectionEnd?) -> Void] = [:]
    var onDisconnect: (@Sendable (ConnectionEnd) -> Void)?
    /// It has ended, and so has the callback that told so.
    var isFinished = false
    /// Nobody has the connector any more.
    var isAbandoned = false
    /// When an abandoned connection waits no longer for its peer's confirmation.
    var lingerDeadline: MonotonicTime?

    /// What the next event decides.
    enum Phase: Hashable {
        case idle
        case resolvingAddress, resolvingRoute, connecting
        case responded
        case requested
        case accepting
        case connected
        case disconnecting
        case ended(ConnectionEnd)

        var state: ConnectorState {
            switch self {
            case .idle: .idle
            case .resolvingAddress, .resolvingRoute, .connecting: .connecting
            case .responded: .responded
            case .requested: .requested
            case .accepting: .accepting
            case .connected: .connected
            case .disconnecting: .disconnecting
            case .ended(let end): .ended(end)
            }
        }
    }

    init(number: UInt64, facts: ConnectionFacts, phase: Phase, peer: SocketAddress, table: ConnectionTable) {
        self.number = number
        self.facts = facts
        self.phase = phase
        self.peer = peer
        self.table = table
        facts.update { $0.state = phase.state }
    }

    // MARK: Limits of time

    /// When the first of those that wait waits no longer.
    var deadline: MonotonicTime? {
        switch phase {
        case .disconnecting: (disconnects.map(\.deadline) + [lingerDeadline].compactMap { $0 }).min()
        default: call?.deadline
        }
    }

    func expire() {
        if phase == .disconnecting {
            finishDisconnect(.timedOut)
        } else if let call {
            fail(.timedOut(peer, after: call.limit))
        }
    }

    func cancel(_ number: UInt64) {
        if let call, call.number == number { fail(.cancelled) }
        watchers.removeValue(forKey: number)?(nil)
    }

    // MARK: The end

    /// Ends the call under way with an error, and what it had begun.
    ///
    /// A queue pair that was not touched yet stays as it was and may be used again; so may the connector.
    func fail(_ error: ConnectionError) {
        switch phase {
        case .resolvingAddress, .resolvingRoute, .connecting:
            let failed = call
            call = nil
            destroyIdentifier()
            leaveEndpoint()
            detachQueuePair()
            phase = .idle
            failed?.fail(error)
        default:
            end(.notEstablished, failing: error)
        }
    }

    /// Ends the connection for good and tells everybody who waits.
    func end(_ reason: ConnectionEnd, failing error: ConnectionError = .cancelled) {
        destroyIdentifier()
        let keepsPosted = reason == .disconnectedByPeer && !options.flushesWhenPeerDisconnects
        if !keepsPosted { endQueuePair() }
        // How it ended first is how it ended.
        if case .ended = phase { return }
        let isAgainstWish = phase == .connected && reason != .disconnected
        phase = .ended(reason)
        let (failed, callback) = (call, onDisconnect)
        (call, onDisconnect) = (nil, nil)
        failed?.fail(error)
        if isAgainstWish, let callback {
            table.callBack(for: self) { callback(reason) }
        } else {
            finish()
        }
    }

    /// Tells everybody who waits for the end. Nothing is called after it.
    func finish() {
        guard case .ended(let reason) = phase else { return }
        isFinished = true
        leaveEndpoint()
        let (disconnected, watching) = (disconnects, watchers)
        (disconnects, watchers) = ([], [:])
        disconnected.forEach { $0.succeed() }
        watching.values.forEach { $0(reason) }
        if isAbandoned { table.remove(self) }
    }

    func destroyIdentifier() {
        guard let old = identifier else { return }
        identifier = nil
        table.destroy(old)
    }

    /// Lets others have the peer, and the address.
    func leaveEndpoint() {
        endpoint?.leave(self)
        endpoint = nil
    }
}
