import CRDMA
import Glibc
import LAM
import TestSupport
import Testing
import Verbs

@Suite(.timeLimit(.minutes(1)))
struct ConnectionAcceptTests {
    @Test("[111] accept returns when the peer has completed")
    func accept() async throws {
        let stage = try ConnectionStage()
        let (_, connector) = try await stage.requested(privateData: [5, 6])
        #expect(connector.state == .requested)
        #expect(connector.connectionData?.privateData == [5, 6])
        let queuePair = try stage.queuePair()
        async let script: Void = {
            try await stage.device.reaches(.accept)
            #expect(connector.state == .accepting)
            stage.device.deliver(RDMA_CM_EVENT_ESTABLISHED, to: 1)
        }()
        try await connector.accept(queuePair)
        try await script
        stage.expect(queuePair, connected: true)
        // What the peer asked for limits what the options allow.
        #expect(connector.connectionData?.inboundReadLimit == 4)
        #expect(connector.connectionData?.outboundReadLimit == 2)
        #expect(connector.connectionData?.privateData == [5, 6])
    }

    @Test(
        "A peer that does not complete ends the connector and the queue pair",
        arguments: [
            (RDMA_CM_EVENT_REJECTED.rawValue, CInt(28)), (RDMA_CM_EVENT_CONNECT_ERROR.rawValue, CInt(-EINVAL)),
            (RDMA_CM_EVENT_DISCONNECTED.rawValue, CInt(0)),
        ])
    func peerGivesUp(kind: UInt32, status: CInt) async throws {
        let stage = try ConnectionStage()
        let (_, connector) = try await stage.requested()
        let queuePair = try stage.queuePair()
        async let script: Void = {
            try await stage.device.reaches(.accept)
            stage.device.deliver(rdma_cm_event_type(kind), to: 1, status: status, privateData: [3])
        }()
        let peer = connector.peerAddress ?? ConnectionStage.nobody
        await #expect(throws: ConnectionError.aborted(peer, privateData: [3])) {
            try await connector.accept(queuePair)
        }
        try await script
        #expect(connector.state == .ended(.notEstablished))
        #expect(!stage.device.identifierNumbers.contains(1))
        stage.expect(queuePair, connected: false)
    }

    @Test("A peer whose program is silent is given up after the time limit")
    func timeLimit() async throws {
        let stage = try ConnectionStage()
        let (_, connector) = try await stage.requested()
        let queuePair = try stage.queuePair()
        let limit = Duration.milliseconds(20)
        let peer = connector.peerAddress ?? ConnectionStage.nobody
        await #expect(throws: ConnectionError.timedOut(peer, after: limit)) {
            try await connector.accept(queuePair, timeLimit: limit)
        }
        #expect(!stage.device.identifierNumbers.contains(1))
    }

    @Test("A cancelled accept ends the connector")
    func cancelled() async throws {
        let stage = try ConnectionStage()
        let (_, connector) = try await stage.requested()
        let queuePair = SharedQueuePair(try stage.queuePair())
        let task = Task { try await queuePair.accept(connector) }
        try await stage.device.reaches(.accept)
        task.cancel()
        await #expect(throws: ConnectionError.cancelled) { try await task.value }
        #expect(connector.state == .ended(.notEstablished))
        #expect(!stage.device.identifierNumbers.contains(1))
    }

    @Test("[112] a request can be refused, with private data")
    func reject() async throws {
        let stage = try ConnectionStage()
        let (_, connector) = try await stage.requested()
        try await connector.reject(privateData: [1])
        #expect(stage.device.callCount(.reject) == 1)
        #expect(!stage.device.identifierNumbers.contains(1))
        await #expect(throws: ConnectionError.wrongState(call: "reject", state: .ended(.notEstablished))) {
            try await connector.reject()
        }
    }

    @Test("149 bytes of private data are one too many, and the request is as it was")
    func privateData() async throws {
        let stage = try ConnectionStage()
        let (_, connector) = try await stage.requested()
        let queuePair = try stage.queuePair()
        let data = [UInt8](repeating: 1, count: 149)
        await #expect(throws: ConnectionError.privateDataTooLong(asked: 149, limit: 148)) {
            try await connector.accept(queuePair, privateData: data)
        }
        await #expect(throws: ConnectionError.privateDataTooLong(asked: 149, limit: 148)) {
            try await connector.reject(privateData: data)
        }
        #expect(connector.state == .requested)
        try await connector.reject(privateData: Array(data.dropLast()))
    }

    @Test("Dropping a connector refuses its request")
    func dropped() async throws {
        let stage = try ConnectionStage()
        let listener = try await stage.requested().0
        try await stage.device.loses(1)
        #expect(listener.address == ConnectionStage.own)
    }

    @Test("Each side has its own calls")
    func wrongState() async throws {
        let stage = try ConnectionStage()
        let (_, connector) = try await stage.requested()
        let queuePair = try stage.queuePair()
        await #expect(throws: ConnectionError.wrongState(call: "connect", state: .requested)) {
            try await connector.connect(queuePair, to: ConnectionStage.peer)
        }
        await #expect(throws: ConnectionError.wrongState(call: "completeConnect", state: .requested)) {
            try await connector.completeConnect()
        }
        let active = try stage.adapter.createConnector()
        await #expect(throws: ConnectionError.wrongState(call: "accept", state: .idle)) {
            try await active.accept(queuePair)
        }
        await #expect(throws: ConnectionError.wrongState(call: "reject", state: .idle)) { try await active.reject() }
    }
}
