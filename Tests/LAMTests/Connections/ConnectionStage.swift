import CRDMA
import LAM
import TestSupport
import Testing
import Verbs

/// An adapter over a device in memory, on which a test plays the peer by delivering events.
final class ConnectionStage: Sendable {
    static let peer = LAM.SocketAddress("10.77.0.1:7471")!
    /// What a request without an address comes from.
    static let nobody = LAM.SocketAddress("10.0.0.1:0")!
    static let own = LAM.SocketAddress("10.0.0.1:7471")!

    let device: FakeDevice
    let adapter: Adapter
    let completions: LAM.CompletionQueue

    init(device: FakeDevice = FakeDevice(), verbs: ControlVerbs? = nil) throws {
        self.device = device
        adapter = try Adapter.open(over: verbs ?? device.verbs)
        completions = try adapter.createCompletionQueue(depth: 512)
    }

    func queuePair() throws -> LAM.QueuePair {
        try adapter.createQueuePair(
            completions: completions, capacity: LAM.QueuePairCapacity(sendDepth: 8, receiveDepth: 8))
    }

    /// Checks whether requests can be posted; `#expect` cannot look at what is not copyable.
    func expect(
        _ queuePair: borrowing LAM.QueuePair, connected: Bool, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let isConnected = queuePair.isConnected
        #expect(isConnected == connected, sourceLocation: sourceLocation)
    }

    /// A connector whose peer has accepted and who has completed.
    func connected(
        _ queuePair: borrowing LAM.QueuePair, options: ConnectionOptions = ConnectionOptions(),
        onDisconnect: (@Sendable (ConnectionEnd) -> Void)? = nil
    ) async throws -> Connector {
        let script = Task { [device] in _ = try await device.answerConnect() }
        let connector = try await adapter.connect(
            queuePair, to: Self.peer, options: options, onDisconnect: onDisconnect)
        try await script.value
        return connector
    }

    /// A listener, and a connector with a request of the peer.
    func requested(privateData: [UInt8] = []) async throws -> (Listener, Connector) {
        let listener = try await adapter.listen(on: Self.own)
        device.deliver(
            RDMA_CM_EVENT_CONNECT_REQUEST, to: device.identifierNumbers.last!, peerQueuePair: 77,
            peerOutboundReads: 4, peerInboundReads: 2, privateData: privateData)
        return (listener, try #require(await listener.next()))
    }
}

extension FakeDevice {
    /// Waits until a verb was called so often.
    func reaches(_ verb: Verb, _ count: Int = 1) async throws {
        for _ in 0..<5000 where callCount(verb) < count { try await Task.sleep(for: .milliseconds(1)) }
        try #require(callCount(verb) >= count, "\(verb) was called \(callCount(verb)) times of \(count)")
    }

    /// Waits until an identifier is destroyed.
    func loses(_ identifier: Int) async throws {
        for _ in 0..<5000 where identifierNumbers.contains(identifier) {
            try await Task.sleep(for: .milliseconds(1))
        }
        try #require(!identifierNumbers.contains(identifier), "identifier \(identifier) is still there")
    }

    /// Plays the way to a peer until this side asks it for a connection.
    ///
    /// - Returns: the identifier.
    @discardableResult
    func leadToPeer() async throws -> Int {
        try await reaches(.resolveAddress, callCount(.connect) + 1)
        let identifier = identifierNumbers.last!
        let routes = callCount(.resolveRoute)
        deliver(RDMA_CM_EVENT_ADDR_RESOLVED, to: identifier)
        try await reaches(.resolveRoute, routes + 1)
        let connects = callCount(.connect)
        deliver(RDMA_CM_EVENT_ROUTE_RESOLVED, to: identifier)
        try await reaches(.connect, connects + 1)
        return identifier
    }

    /// Plays a peer that accepts.
    @discardableResult
    func answerConnect(privateData: [UInt8] = []) async throws -> Int {
        let identifier = try await leadToPeer()
        deliver(
            RDMA_CM_EVENT_CONNECT_RESPONSE, to: identifier, peerQueuePair: 77, peerOutboundReads: 4,
            peerInboundReads: 2, privateData: privateData)
        return identifier
    }
}
