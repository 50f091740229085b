import CRDMA
import Glibc
import LAM
import Tracking
import TestSupport
import Testing
import Verbs

@Suite(.timeLimit(.minutes(1)))
struct ConnectionDisconnectTests {
    @Test("[118] disconnect waits for the peer's confirmation, and then the queue pair has ended")
    func disconnect() async throws {
        let stage = try ConnectionStage()
        let queuePair = try stage.queuePair()
        let calls = Calls()
        let connector = try await stage.connected(queuePair) { calls.add($0) }
        let steps = stage.device.callCount(.modifyQueuePair)
        async let script: Void = {
            try await stage.device.reaches(.disconnect)
            #expect(connector.state == .disconnecting)
            #expect(stage.device.callCount(.modifyQueuePair) == steps)
            stage.device.deliver(RDMA_CM_EVENT_DISCONNECTED, to: 0)
        }()
        try await connector.disconnect()
        try await script
        #expect(connector.state == .ended(.disconnected))
        #expect(stage.device.callCount(.modifyQueuePair) == steps + 1)
        #expect(stage.device.identifierNumbers.isEmpty)
        #expect(calls.ends.isEmpty)
        try await connector.disconnect()
        #expect(stage.device.callCount(.disconnect) == 1)
    }

    @Test("[118] the peer's disconnect is answered at once and told exactly once")
    func byPeer() async throws {
        let device = FakeDevice()
        // Has a second event arrive while the first one is being answered.
        let stage = try ConnectionStage(device: device, verbs: device.selfAnswering)
        let queuePair = try stage.queuePair()
        let calls = Calls()
        let connector = try await stage.adapter.connect(queuePair, to: ConnectionStage.peer) { calls.add($0) }
        async let first = connector.waitForDisconnect()
        stage.device.deliver(RDMA_CM_EVENT_DISCONNECTED, to: 0)
        #expect(await first == .disconnectedByPeer)
        #expect(await connector.waitForDisconnect() == .disconnectedByPeer)
        #expect(calls.ends == [.disconnectedByPeer])
        #expect(stage.device.callCount(.disconnect) == 1)
        #expect(stage.device.identifierNumbers.isEmpty)
        stage.expect(queuePair, connected: false)
        try await connector.disconnect()
        #expect(calls.ends.count == 1)
    }

    @Test("Events that come too late change nothing")
    func lateEvents() async throws {
        let stage = try ConnectionStage()
        let queuePair = try stage.queuePair()
        let connector = try await stage.connected(queuePair)
        for kind in [
            RDMA_CM_EVENT_UNREACHABLE, RDMA_CM_EVENT_ADDR_RESOLVED, RDMA_CM_EVENT_ROUTE_RESOLVED,
            RDMA_CM_EVENT_CONNECT_RESPONSE, RDMA_CM_EVENT_ESTABLISHED, RDMA_CM_EVENT_TIMEWAIT_EXIT,
            RDMA_CM_EVENT_ADDR_CHANGE, RDMA_CM_EVENT_REJECTED,
        ] {
            stage.device.deliver(kind, to: 0, status: -ETIMEDOUT)
        }
        // Nine so far: three of the connect, and these, and the one that finds none.
        try await stage.device.reaches(.acknowledgeConnectionEvent, 11)
        #expect(connector.state == .connected)
        stage.expect(queuePair, connected: true)
        #expect(stage.device.callCount(.connect) == 1)
    }

    @Test("Without the flush the queue pair goes on until this side disconnects")
    func withoutFlush() async throws {
        let stage = try ConnectionStage()
        let queuePair = try stage.queuePair()
        var options = ConnectionOptions()
        options.flushesWhenPeerDisconnects = false
        let connector = try await stage.connected(queuePair, options: options)
        stage.device.deliver(RDMA_CM_EVENT_DISCONNECTED, to: 0)
        #expect(await connector.waitForDisconnect() == .disconnectedByPeer)
        stage.expect(queuePair, connected: true)
        try await connector.disconnect()
        stage.expect(queuePair, connected: false)
    }

    @Test("A peer that does not confirm costs an error, not the end")
    func unconfirmed() async throws {
        let stage = try ConnectionStage()
        let queuePair = try stage.queuePair()
        let connector = try await stage.connected(queuePair)
        let limit = Duration.milliseconds(20)
        await #expect(throws: ConnectionError.timedOut(ConnectionStage.peer, after: limit)) {
            try await connector.disconnect(timeLimit: limit)
        }
        #expect(connector.state == .ended(.disconnected))
        stage.expect(queuePair, connected: false)
        #expect(stage.device.identifierNumbers.isEmpty)
    }

    @Test("[119] a failing request ends the connection, and the peer is told")
    func failure() async throws {
        let stage = try ConnectionStage()
        var completions = try stage.adapter.createCompletionQueue(depth: 64)
        var queuePair = try stage.adapter.createQueuePair(
            completions: completions, capacity: LAM.QueuePairCapacity(sendDepth: 8, receiveDepth: 8))
        let calls = Calls()
        let connector = try await stage.connected(queuePair) { calls.add($0) }
        let nothing: [ScatterGatherElement] = []
        try queuePair.write(nothing.span, to: RemoteMemory(address: 0, key: 0), context: 5)
        stage.device.fail(queuePair.number)
        var batch = CompletionBatch(capacity: 8)
        _ = completions.poll(into: &batch)
        #expect(await connector.waitForDisconnect() == .queuePairEnded)
        #expect(calls.ends == [.queuePairEnded])
        #expect(stage.device.identifierNumbers.isEmpty)
    }

    @Test("Closing the queue pair ends the connection")
    func closedQueuePair() async throws {
        let stage = try ConnectionStage()
        let queuePair = try stage.queuePair()
        let connector = try await stage.connected(queuePair)
        queuePair.close()
        #expect(await connector.waitForDisconnect() == .queuePairEnded)
        #expect(stage.device.violations.isEmpty)
    }

    @Test("A removed device ends the connection")
    func removal() async throws {
        let stage = try ConnectionStage()
        let queuePair = try stage.queuePair()
        let connector = try await stage.connected(queuePair)
        stage.device.deliver(RDMA_CM_EVENT_DEVICE_REMOVAL, to: 0)
        #expect(await connector.waitForDisconnect() == .deviceRemoved)
        stage.expect(queuePair, connected: false)
    }

    @Test("A removed device ends a disconnect that is under way")
    func removalMeanwhile() async throws {
        let stage = try ConnectionStage()
        let queuePair = try stage.queuePair()
        let calls = Calls()
        let connector = try await stage.connected(queuePair) { calls.add($0) }
        async let script: Void = {
            try await stage.device.reaches(.disconnect)
            stage.device.deliver(RDMA_CM_EVENT_DEVICE_REMOVAL, to: 0)
        }()
        try await connector.disconnect(timeLimit: .seconds(50))
        try await script
        #expect(calls.ends.isEmpty)
        #expect(stage.device.identifierNumbers.isEmpty)
    }

    @Test("Closing the adapter changes nothing about how a connection ended")
    func adapterClose() async throws {
        let device = FakeDevice()
        let adapter = try Adapter.open(over: device.selfAnswering)
        let connector = try await {
            let completions = try adapter.createCompletionQueue(depth: 300)
            let queuePair = try adapter.createQueuePair(completions: completions)
            let connector = try await adapter.connect(queuePair, to: ConnectionStage.peer)
            device.deliver(RDMA_CM_EVENT_DISCONNECTED, to: 0)
            _ = await connector.waitForDisconnect()
            return connector
        }()
        try adapter.close(waiting: .seconds(10))
        #expect(connector.state == .ended(.disconnectedByPeer))
        try await connector.disconnect()
        #expect(await connector.waitForDisconnect() == .disconnectedByPeer)
    }

    @Test("Dropping a connector disconnects, and the adapter waits a moment for the peer")
    func dropped() async throws {
        let stage = try ConnectionStage()
        let queuePair = try stage.queuePair()
        _ = try await stage.connected(queuePair)
        try await stage.device.reaches(.disconnect)
        stage.expect(queuePair, connected: false)
        #expect(stage.adapter.survivors.connections == 1)
        stage.device.deliver(RDMA_CM_EVENT_DISCONNECTED, to: 0)
        try await stage.device.loses(0)
        #expect(stage.adapter.survivors.connections == 0)
    }

    @Test("Disconnecting gives a handshake up")
    func handshake() async throws {
        let stage = try ConnectionStage()
        let queuePair = try stage.queuePair()
        let connector = try stage.adapter.createConnector()
        let script = Task {
            try await stage.device.leadToPeer()
            try await connector.disconnect()
        }
        await #expect(throws: ConnectionError.cancelled) {
            try await connector.connect(queuePair, to: ConnectionStage.peer)
        }
        try await script.value
        #expect(stage.device.identifierNumbers.isEmpty)
        #expect(connector.state == .ended(.notEstablished))
    }

    @Test("A cancelled task learns of no end")
    func cancelledWait() async throws {
        let stage = try ConnectionStage()
        let queuePair = try stage.queuePair()
        let connector = try await stage.connected(queuePair)
        let task = Task { await connector.waitForDisconnect() }
        task.cancel()
        #expect(await task.value == nil)
        #expect(connector.state == .connected)
    }
}

/// What a callback was called with.
private final class Calls: Sendable {
    private let recorded = Locked<[ConnectionEnd]>([])

    func add(_ end: ConnectionEnd) {
        recorded.withLock { $0.append(end) }
    }

    var ends: [ConnectionEnd] { recorded.withLock { $0 } }
}
