import CRDMA
import Glibc
import LAM
import TestSupport
import Testing
import Verbs

@Suite("A shared endpoint", .timeLimit(.minutes(1)))
struct SharedEndpointTests {
    static let others = [LAM.SocketAddress("10.77.0.2:7471")!, LAM.SocketAddress("10.77.0.1:7472")!]

    @Test("[115] has connections to different peers begin at its one address")
    func severalPeers() async throws {
        let stage = try EndpointStage()
        let endpoint = try await stage.endpoint()
        var connectors: [Connector] = []
        for peer in [ConnectionStage.peer] + Self.others {
            connectors.append(try await stage.connect(through: endpoint, to: peer))
        }
        #expect(connectors.map(\.localAddress) == [endpoint.address, endpoint.address, endpoint.address])
        #expect(connectors.map(\.state) == [.connected, .connected, .connected])
    }

    @Test("[115] refuses a second connection to the same peer, until the first one has ended")
    func samePeer() async throws {
        let stage = try EndpointStage()
        let endpoint = try await stage.endpoint()
        let first = try await stage.connect(through: endpoint)
        let refusal = ConnectionError.addressAlreadyExists(from: endpoint.address, to: ConnectionStage.peer)
        await #expect(throws: refusal) { try await stage.connect(through: endpoint) }
        try await first.disconnect()
        #expect(try await stage.connect(through: endpoint).state == .connected)
    }

    @Test("[115] refuses a second connection while the first one is being made, and lets a failed one be repeated")
    func attempt() async throws {
        let device = FakeDevice()
        let stage = try EndpointStage(device: device, verbs: device.verbs)
        let endpoint = try await stage.endpoint()
        let attempt = Task { try await stage.connect(through: endpoint) }
        try await device.leadToPeer()
        let refusal = ConnectionError.addressAlreadyExists(from: endpoint.address, to: ConnectionStage.peer)
        await #expect(throws: refusal) { try await stage.connect(through: endpoint) }
        device.deliver(RDMA_CM_EVENT_REJECTED, to: 1, status: 28)
        await #expect(throws: ConnectionError.refused(ConnectionStage.peer, reason: .peer, privateData: [])) {
            try await attempt.value
        }
        let repeated = Task { try await stage.connect(through: endpoint) }
        device.deliver(RDMA_CM_EVENT_REJECTED, to: try await device.leadToPeer(), status: 8)
        await #expect(throws: ConnectionError.refused(ConnectionStage.peer, reason: .noListener, privateData: [])) {
            try await repeated.value
        }
    }

    @Test("[114] has its address for itself")
    func exclusive() async throws {
        let stage = try EndpointStage()
        let endpoint = try await stage.endpoint()
        try await stage.expectTaken(endpoint.address)
        await endpoint.close()
        _ = try await stage.adapter.listen(on: endpoint.address)
    }

    @Test("[114] cannot have an address that somebody has")
    func taken() async throws {
        let stage = try EndpointStage()
        let listener = try await stage.adapter.listen(on: ConnectionStage.own)
        await #expect(throws: ConnectionError.addressInUse(listener.address)) { try await stage.endpoint() }
        let queuePair = try stage.queuePair()
        let source = LAM.SocketAddress("10.0.0.1:7000")!
        let connector = try await stage.adapter.connect(queuePair, to: ConnectionStage.peer, from: source)
        await #expect(throws: ConnectionError.addressInUse(source)) {
            try await stage.adapter.createSharedEndpoint(on: source)
        }
        try await connector.disconnect()
        #expect(try await stage.adapter.createSharedEndpoint(on: source).address == source)
    }

    @Test("[114] is at a port from 49152 on where none was asked for")
    func anyPort() async throws {
        let stage = try EndpointStage()
        let address = LAM.SocketAddress(ConnectionStage.own.address, port: 0)
        let endpoint = try await stage.adapter.createSharedEndpoint(on: address)
        #expect(endpoint.address.port >= 49152)
        #expect(endpoint.address.address == address.address)
    }

    @Test("[106] once closed, connects nothing more, and keeps its address until its last connection has ended")
    func close() async throws {
        let stage = try EndpointStage()
        let endpoint = try await stage.endpoint()
        let connectors = [
            try await stage.connect(through: endpoint), try await stage.connect(through: endpoint, to: Self.others[0]),
        ]
        await endpoint.close()
        await #expect(throws: ConnectionError.endpointClosed(endpoint.address)) {
            try await stage.connect(through: endpoint, to: Self.others[1])
        }
        let isClosed = SharedValue(false)
        let closing = Task {
            await endpoint.closed()
            isClosed.value = true
        }
        try await connectors[0].disconnect()
        try await stage.expectTaken(endpoint.address)
        #expect(!isClosed.value)
        try await connectors[1].disconnect()
        await closing.value
        _ = try await stage.adapter.listen(on: endpoint.address)
        await #expect(throws: ConnectionError.endpointClosed(endpoint.address)) {
            try await stage.connect(through: endpoint)
        }
        await endpoint.closed()
    }

    @Test("is closed by being dropped, and its connections live on")
    func dropped() async throws {
        let stage = try EndpointStage()
        let connector = try await stage.connect(through: try await stage.endpoint())
        #expect(connector.state == .connected)
        try await stage.expectTaken(ConnectionStage.own)
        try await connector.disconnect()
        _ = try await stage.adapter.listen(on: ConnectionStage.own)
    }

    @Test("keeps its adapter from closing, and says so")
    func survivor() async throws {
        let stage = try EndpointStage()
        let endpoint = try await stage.endpoint()
        #expect(stage.adapter.survivors.connections == 1)
        await endpoint.closed()
        #expect(stage.adapter.survivors.connections == 0)
    }

    @Test("ends with its device")
    func removal() async throws {
        let stage = try EndpointStage()
        let endpoint = try await stage.endpoint()
        stage.device.deliver(RDMA_CM_EVENT_DEVICE_REMOVAL, to: 0)
        try await stage.device.loses(0)
        await #expect(throws: ConnectionError.endpointClosed(endpoint.address)) {
            try await stage.connect(through: endpoint)
        }
        await endpoint.closed()
    }

    @Test("that cannot be had leaves nothing", arguments: [Verb.createIdentifier, .bindAddress, .setOption])
    func faults(verb: Verb) async throws {
        let stage = try EndpointStage()
        stage.device.inject(ENOMEM, into: verb)
        await #expect(throws: ConnectionError.verbFailed(verb: verb.description, errno: ENOMEM)) {
            try await stage.endpoint()
        }
        #expect(stage.device.identifierNumbers.isEmpty)
    }

    @Test("loses nothing by a connection that cannot be made", arguments: [(Verb.setOption, 2), (.bindAddress, 1)])
    func faultsOfConnections(verb: Verb, call: Int) async throws {
        let stage = try EndpointStage()
        let endpoint = try await stage.endpoint()
        stage.device.inject(ENOMEM, into: verb, call: call)
        await #expect(throws: ConnectionError.verbFailed(verb: verb.description, errno: ENOMEM)) {
            try await stage.connect(through: endpoint)
        }
        #expect(stage.device.identifierNumbers == [0])
        #expect(try await stage.connect(through: endpoint).state == .connected)
    }
}

/// A stage whose network answers, and which keeps the queue pairs of its connections.
private final class EndpointStage: Sendable {
    private let stage: ConnectionStage
    private let queuePairs = SharedValue<[SharedQueuePair]>([])

    init(device: FakeDevice = FakeDevice(), verbs: ControlVerbs? = nil) throws {
        stage = try ConnectionStage(device: device, verbs: verbs ?? device.selfAnswering)
    }

    var adapter: Adapter { stage.adapter }
    var device: FakeDevice { stage.device }

    func queuePair() throws -> LAM.QueuePair { try stage.queuePair() }

    func endpoint() async throws -> SharedEndpoint {
        try await adapter.createSharedEndpoint(on: ConnectionStage.own)
    }

    @discardableResult
    func connect(
        through endpoint: SharedEndpoint, to peer: LAM.SocketAddress = ConnectionStage.peer
    ) async throws -> Connector {
        let queuePair = SharedQueuePair(try queuePair())
        queuePairs.update { $0.append(queuePair) }
        let connector = try adapter.createConnector()
        try await queuePair.connect(connector, to: peer, through: endpoint)
        return connector
    }

    /// Checks that nobody gets the address, whatever for.
    func expectTaken(_ address: LAM.SocketAddress) async throws {
        await #expect(throws: ConnectionError.addressInUse(address)) { try await adapter.listen(on: address) }
        await #expect(throws: ConnectionError.addressInUse(address)) {
            try await adapter.createSharedEndpoint(on: address)
        }
        let queuePair = try queuePair()
        await #expect(throws: ConnectionError.addressInUse(address)) {
            try await adapter.connect(queuePair, to: ConnectionStage.peer, from: address)
        }
    }
}

extension SharedQueuePair {
    func connect(
        _ connector: Connector, to peer: LAM.SocketAddress, through endpoint: SharedEndpoint
    ) async throws {
        try await connector.connect(queuePair, to: peer, through: endpoint)
        try await connector.completeConnect()
    }
}
