import CRDMA
import Glibc
import LAM
import TestSupport
import Testing
import Verbs

@Suite(.timeLimit(.minutes(1)))
struct ConnectionConnectTests {
    @Test("[111] connect returns when the peer has accepted, and requests flow after completeConnect")
    func twoSteps() async throws {
        let stage = try ConnectionStage()
        let queuePair = try stage.queuePair()
        let connector = try stage.adapter.createConnector()
        async let script = stage.device.answerConnect(privateData: [1, 2, 3])
        try await connector.connect(queuePair, to: ConnectionStage.peer)
        _ = try await script
        #expect(connector.state == .responded)
        stage.expect(queuePair, connected: false)
        #expect(stage.device.callCount(.establish) == 0)
        #expect(connector.connectionData?.privateData == [1, 2, 3])
        try await connector.completeConnect()
        #expect(connector.state == .connected)
        stage.expect(queuePair, connected: true)
        #expect(stage.device.callCount(.establish) == 1)
    }

    @Test("[117] the limits of reads are the smaller ones of both sides")
    func limits() async throws {
        let stage = try ConnectionStage()
        let queuePair = try stage.queuePair()
        var options = ConnectionOptions()
        options.inboundReadLimit = 3
        options.outboundReadLimit = 200
        let connector = try await stage.connected(queuePair, options: options)
        #expect(connector.connectionData?.inboundReadLimit == 3)
        #expect(connector.connectionData?.outboundReadLimit == 2)
    }

    @Test("A refused connect leaves the queue pair and the connector as they were")
    func refusedAndAgain() async throws {
        let stage = try ConnectionStage()
        let queuePair = try stage.queuePair()
        let connector = try stage.adapter.createConnector()
        async let refusal: Void = {
            let identifier = try await stage.device.leadToPeer()
            stage.device.deliver(RDMA_CM_EVENT_REJECTED, to: identifier, status: 28, privateData: [9])
        }()
        await #expect(throws: ConnectionError.refused(ConnectionStage.peer, reason: .peer, privateData: [9])) {
            try await connector.connect(queuePair, to: ConnectionStage.peer)
        }
        try await refusal
        #expect(connector.state == .idle)
        #expect(stage.device.identifierNumbers.isEmpty)
        async let script = stage.device.answerConnect()
        try await connector.connect(queuePair, to: ConnectionStage.peer)
        _ = try await script
        try await connector.completeConnect()
        stage.expect(queuePair, connected: true)
    }

    @Test(
        "Each answer of the network has its error",
        arguments: [
            (
                RDMA_CM_EVENT_REJECTED.rawValue, CInt(8),
                ConnectionError.refused(ConnectionStage.peer, reason: .noListener, privateData: [])
            ),
            (
                RDMA_CM_EVENT_REJECTED.rawValue, 10,
                .refused(ConnectionStage.peer, reason: .staleConnection, privateData: [])
            ),
            (
                RDMA_CM_EVENT_REJECTED.rawValue, 5,
                .refused(ConnectionStage.peer, reason: .transport(5), privateData: [])
            ),
            (RDMA_CM_EVENT_UNREACHABLE.rawValue, -EHOSTUNREACH, .hostUnreachable(ConnectionStage.peer)),
            (RDMA_CM_EVENT_UNREACHABLE.rawValue, -ENETUNREACH, .networkUnreachable(ConnectionStage.peer)),
            (RDMA_CM_EVENT_CONNECT_ERROR.rawValue, -EINVAL, .aborted(ConnectionStage.peer, privateData: [])),
            (RDMA_CM_EVENT_DEVICE_REMOVAL.rawValue, 0, .deviceRemoved),
        ])
    func answers(kind: UInt32, status: CInt, error: ConnectionError) async throws {
        let stage = try ConnectionStage()
        let queuePair = try stage.queuePair()
        async let script: Void = {
            let identifier = try await stage.device.leadToPeer()
            stage.device.deliver(rdma_cm_event_type(kind), to: identifier, status: status)
        }()
        await #expect(throws: error) {
            _ = try await stage.adapter.connect(queuePair, to: ConnectionStage.peer)
        }
        try await script
        #expect(stage.device.identifierNumbers.isEmpty)
    }

    @Test("An address that nobody resolves is an unreachable host")
    func addressError() async throws {
        let stage = try ConnectionStage()
        let queuePair = try stage.queuePair()
        async let script: Void = {
            try await stage.device.reaches(.resolveAddress)
            stage.device.deliver(RDMA_CM_EVENT_ADDR_ERROR, to: 0, status: -ETIMEDOUT)
        }()
        await #expect(throws: ConnectionError.hostUnreachable(ConnectionStage.peer)) {
            _ = try await stage.adapter.connect(queuePair, to: ConnectionStage.peer)
        }
        try await script
    }

    @Test("A peer that does not answer is given up after the time limit")
    func timeLimit() async throws {
        let stage = try ConnectionStage()
        let queuePair = try stage.queuePair()
        let limit = Duration.milliseconds(50)
        await #expect(throws: ConnectionError.timedOut(ConnectionStage.peer, after: limit)) {
            _ = try await stage.adapter.connect(queuePair, to: ConnectionStage.peer, timeLimit: limit)
        }
        #expect(stage.device.identifierNumbers.isEmpty)
        #expect(stage.device.callCount(.modifyQueuePair) == 1)
    }

    @Test("A cancelled task gives its connect up", arguments: [false, true])
    func cancelled(beforeItBegins: Bool) async throws {
        let stage = try ConnectionStage()
        let connector = try stage.adapter.createConnector()
        let queuePair = SharedQueuePair(try stage.queuePair())
        let task = Task {
            if beforeItBegins { while !Task.isCancelled { await Task.yield() } }
            try await queuePair.connect(connector)
        }
        if !beforeItBegins { try await stage.device.leadToPeer() }
        task.cancel()
        await #expect(throws: ConnectionError.cancelled) { try await task.value }
        #expect(connector.state == .idle)
        #expect(stage.device.identifierNumbers.isEmpty)
    }

    @Test("A peer that gives up after it has accepted ends the connector, not the queue pair")
    func peerGivesUp() async throws {
        let stage = try ConnectionStage()
        let queuePair = try stage.queuePair()
        let connector = try stage.adapter.createConnector()
        async let script = stage.device.answerConnect()
        try await connector.connect(queuePair, to: ConnectionStage.peer)
        stage.device.deliver(RDMA_CM_EVENT_REJECTED, to: try await script, status: 28, privateData: [7])
        try await stage.device.loses(0)
        await #expect(throws: ConnectionError.aborted(ConnectionStage.peer, privateData: [7])) {
            try await connector.completeConnect()
        }
        #expect(connector.state == .ended(.notEstablished))
        #expect(stage.device.callCount(.modifyQueuePair) == 1)
    }

    @Test("[112] the active side can refuse after the peer has accepted")
    func activeReject() async throws {
        let stage = try ConnectionStage()
        let queuePair = try stage.queuePair()
        let connector = try stage.adapter.createConnector()
        async let script = stage.device.answerConnect()
        try await connector.connect(queuePair, to: ConnectionStage.peer)
        _ = try await script
        try await connector.reject(privateData: [1])
        #expect(stage.device.callCount(.reject) == 1)
        #expect(stage.device.identifierNumbers.isEmpty)
        #expect(connector.state == .ended(.notEstablished))
    }

    @Test("A way through another device is refused")
    func otherDevice() async throws {
        let device = FakeDevice()
        let stage = try ConnectionStage(device: device)
        let queuePair = try stage.queuePair()
        async let script: Void = {
            try await device.reaches(.resolveAddress)
            device.moveIdentifier(0, toPort: 2)
            device.deliver(RDMA_CM_EVENT_ADDR_RESOLVED, to: 0)
        }()
        await #expect(throws: ConnectionError.otherDevice(ConnectionStage.peer, device: "fake0", port: 2)) {
            _ = try await stage.adapter.connect(queuePair, to: ConnectionStage.peer)
        }
        try await script
    }

    @Test("57 bytes of private data are one too many")
    func privateData() async throws {
        let stage = try ConnectionStage()
        let queuePair = try stage.queuePair()
        let connector = try stage.adapter.createConnector()
        await #expect(throws: ConnectionError.privateDataTooLong(asked: 57, limit: 56)) {
            try await connector.connect(
                queuePair, to: ConnectionStage.peer, privateData: Array(repeating: 1, count: 57))
        }
        #expect(connector.state == .idle)
        #expect(stage.device.callCount(.createIdentifier) == 0)
    }

    @Test("A queue pair serves one connection")
    func oneConnection() async throws {
        let stage = try ConnectionStage()
        let queuePair = try stage.queuePair()
        let connector = try await stage.connected(queuePair)
        let number = queuePair.number
        await #expect(throws: ConnectionError.queuePairNotUsable(number: number)) {
            _ = try await stage.adapter.connect(queuePair, to: ConnectionStage.peer)
        }
        await #expect(throws: ConnectionError.wrongState(call: "connect", state: .connected)) {
            try await connector.connect(queuePair, to: ConnectionStage.peer)
        }
        stage.expect(queuePair, connected: true)
    }
}

/// A queue pair that a task can name.
final class SharedQueuePair: Sendable {
    let queuePair: LAM.QueuePair

    init(_ queuePair: consuming LAM.QueuePair) {
        self.queuePair = queuePair
    }

    func connect(_ connector: Connector) async throws {
        try await connector.connect(queuePair, to: ConnectionStage.peer)
    }

    func accept(_ connector: Connector) async throws {
        try await connector.accept(queuePair)
    }
}
