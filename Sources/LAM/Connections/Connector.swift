import Verbs

/// One connection, from its making to its end: `NDK_CONNECTOR`.
///
/// The active side creates it with ``Adapter/createConnector()``, connects and completes; the passive side gets it from
/// a ``Listener``, and accepts or rejects. A queue pair serves one connection; receives may be posted to it before.
///
/// Dropping a connector ends its connection: everything posted is flushed, and the peer is told. Every call may be made
/// from any task; one that comes too late or too early throws ``ConnectionError/wrongState(call:state:)``, since the
/// state depends on the peer as well. A task that is cancelled while it waits ends what it waited for.
public final class Connector: Sendable {
    /// The adapter of its queue pair.
    public let adapter: Adapter
    let number: UInt64
    let mailbox: ConnectionMailbox
    let facts: ConnectionFacts

    /// Names a connection that is in the table of the thread, or will be before the next errand.
    init(_ adapter: Adapter, number: UInt64, mailbox: ConnectionMailbox, facts: ConnectionFacts) {
        self.adapter = adapter
        self.number = number
        self.mailbox = mailbox
        self.facts = facts
    }

    deinit {
        mailbox.run { [number] in $0.connection(number)?.abandon() }
    }

    /// How far the connection has come, at this moment.
    public var state: ConnectorState { facts.snapshot.state }

    /// What the peer sent along with its request or its acceptance, and the limits of reads: `NdkGetConnectionData`.
    ///
    /// Nil before the peer has spoken. On a passive side the limits are final when
    /// ``accept(_:privateData:options:timeLimit:onDisconnect:)`` has returned. What came with a refusal is in the
    /// error.
    public var connectionData: ConnectionData? { facts.snapshot.data }

    /// This side's address and port: `NdkGetLocalAddress`. Nil before the way to the peer is known.
    public var localAddress: SocketAddress? { facts.snapshot.localAddress }

    /// The peer's address and port: `NdkGetPeerAddress`. Nil before the way to the peer is known.
    public var peerAddress: SocketAddress? { facts.snapshot.peerAddress }
}

extension Adapter {
    /// Creates a connector for an active open: `NdkCreateConnector`.
    ///
    /// It holds nothing of the device until it connects.
    /// - Throws: ``ConnectionError/adapterClosed``; ``ConnectionError/verbFailed(verb:errno:)`` where the kernel has no
    ///   connection manager (`rdma_create_event_channel`; `modprobe rdma_ucm` loads it).
    public func createConnector() throws(ConnectionError) -> Connector {
        let mailbox = try connectionMailbox()
        let number = mailbox.nextNumber()
        let facts = ConnectionFacts()
        mailbox.run { table in
            // Nobody is known yet who could be named.
            let nobody = SocketAddress(table.info.address, port: 0)
            table.add(Connection(number: number, facts: facts, phase: .idle, peer: nobody, table: table))
        }
        return Connector(self, number: number, mailbox: mailbox, facts: facts)
    }

    /// Connects a queue pair in one step: ``createConnector()``, connect and completeConnect.
    ///
    /// When it returns, requests can be posted. Keep the connector: dropping it disconnects.
    /// - Parameters: as of ``Connector/connect(_:to:from:privateData:options:timeLimit:)`` and
    ///   ``Connector/completeConnect(onDisconnect:)``.
    public func connect(
        _ queuePair: borrowing QueuePair, to destination: SocketAddress, from source: SocketAddress? = nil,
        privateData: [UInt8] = [], options: ConnectionOptions = ConnectionOptions(),
        timeLimit: Duration = .seconds(10), onDisconnect: (@Sendable (ConnectionEnd) -> Void)? = nil
    ) async throws(ConnectionError) -> Connector {
        let connector = try createConnector()
        try await connector.connect(
            queuePair, to: destination, from: source, privateData: privateData, options: options, timeLimit: timeLimit)
        try await connector.completeConnect(onDisconnect: onDisconnect)
        return connector
    }
}
