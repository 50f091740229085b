import Verbs

/// Whatever events of the connection manager are about.
protocol ConnectionEventReceiver: AnyObject {
    func handle(_ event: ConnectionEvent)
}

/// The connections, listeners and local addresses of one adapter, by their numbers and by the identities in events.
///
/// Lives on the connection thread; not `Sendable`, so that the compiler keeps it there.
final class ConnectionTable {
    let channel: EventChannel
    let info: AdapterInfo
    let core: AdapterCore
    let mailbox: ConnectionMailbox
    private let callbacks: ErrandThread
    private var connections: [UInt64: Connection] = [:]
    private var listenings: [UInt64: Listening] = [:]
    private var endpoints: [UInt64: LocalEndpoint] = [:]
    private var receivers: [ConnectionIdentity: any ConnectionEventReceiver] = [:]

    init(
        channel: EventChannel, core: AdapterCore, info: AdapterInfo, mailbox: ConnectionMailbox, callbacks: ErrandThread
    ) {
        self.channel = channel
        self.core = core
        self.info = info
        self.mailbox = mailbox
        self.callbacks = callbacks
    }

    // MARK: Connections and listeners

    /// A connection, which is there as long as its connector and until it has ended.
    func connection(_ number: UInt64) -> Connection? {
        connections[number]
    }

    func add(_ connection: Connection) {
        connections[connection.number] = connection
    }

    func remove(_ connection: Connection) {
        connections[connection.number] = nil
    }

    /// What a listener has open; nil once it is closed.
    func listening(_ number: UInt64) -> Listening? {
        listenings[number]
    }

    func add(_ listening: Listening) {
        listenings[listening.number] = listening
    }

    func remove(_ listening: Listening) {
        listenings[listening.number] = nil
    }

    /// The local address of a listener or a shared endpoint; nil once it is free.
    func endpoint(_ number: UInt64) -> LocalEndpoint? {
        endpoints[number]
    }

    func add(_ endpoint: LocalEndpoint) {
        endpoints[endpoint.number] = endpoint
    }

    func remove(_ endpoint: LocalEndpoint) {
        endpoints[endpoint.number] = nil
    }

    // MARK: Callbacks

    /// Calls the user of a connection that has ended, and finishes it afterwards. The adapter stays open meanwhile.
    func callBack(for connection: Connection, _ callback: @escaping @Sendable () -> Void) {
        core.children.withLock { $0.connectionCount += 1 }
        callbacks.run { [number = connection.number, core, mailbox] in
            callback()
            // Before the adapter may close, so that it does find the thread.
            mailbox.run { $0.connection(number)?.finish() }
            core.childGone { $0.connectionCount -= 1 }
        }
    }

    // MARK: Identifiers

    /// Creates an identifier whose events go to `receiver`. It is a child of the adapter until it is destroyed.
    func createIdentifier(for receiver: any ConnectionEventReceiver) throws(VerbError) -> ConnectionIdentifier {
        let identifier = try ConnectionIdentifier(on: channel)
        adopt(identifier, for: receiver)
        return identifier
    }

    /// The same for an identifier that a request brought.
    func adopt(_ identifier: ConnectionIdentifier, for receiver: any ConnectionEventReceiver) {
        receivers[identifier.identity] = receiver
        core.children.withLock { $0.connectionCount += 1 }
    }

    /// Destroys an identifier, whatever state it is in; the peer hears of it.
    func destroy(_ identifier: ConnectionIdentifier) {
        receivers[identifier.identity] = nil
        // If the verb refuses, the owner tries again when its last reference goes, and reports what then is left.
        try? identifier.close()
        core.childGone { $0.connectionCount -= 1 }
    }

    // MARK: The thread's turns

    func handle(_ event: ConnectionEvent) {
        // A request to a listener that was closed meanwhile is refused by dropping its identifier.
        receivers[event.identity]?.handle(event)
    }

    /// When the first of all calls waits no longer.
    ///
    /// - Complexity: O(connections); once for each event.
    var nextDeadline: MonotonicTime? {
        connections.values.compactMap(\.deadline).min()
    }

    func expire() {
        let now = MonotonicTime.now
        for connection in connections.values {
            if let deadline = connection.deadline, deadline <= now { connection.expire() }
        }
    }

    /// Ends the call with the number, if it is still under way.
    func cancel(_ call: UInt64) {
        connections.values.forEach { $0.cancel(call) }
        listenings.values.forEach { $0.cancel(call) }
    }

    /// Refuses all further requests of peers.
    func closeListeners() {
        listenings.values.forEach { $0.close() }
    }

    /// Ends everything: the adapter goes away, and nobody is left who could wait for a peer.
    func close() {
        closeListeners()
        connections.values.forEach { $0.end(.disconnected, failing: .adapterClosed) }
        connections = [:]
        endpoints.values.forEach { $0.free() }
    }
}
