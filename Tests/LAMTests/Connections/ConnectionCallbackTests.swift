import CRDMA
import Glibc
import LAM
import TestSupport
import Testing
import Verbs

@Suite("The disconnect callback", .timeLimit(.minutes(1)))
struct ConnectionCallbackTests {
    @Test("keeps no time limit of another connection waiting, however long it takes")
    func slow() async throws {
        let stage = try ConnectionStage()
        let queuePair = try stage.queuePair()
        let gate = Gate()
        let connector = try await stage.connected(queuePair) { _ in gate.pass() }
        stage.device.deliver(RDMA_CM_EVENT_DISCONNECTED, to: 0)
        gate.awaitSomebody()
        let other = try stage.queuePair()
        let limit = Duration.milliseconds(20)
        await #expect(throws: ConnectionError.timedOut(ConnectionStage.peer, after: limit)) {
            _ = try await stage.adapter.connect(other, to: ConnectionStage.peer, timeLimit: limit)
        }
        gate.open()
        #expect(await connector.waitForDisconnect() == .disconnectedByPeer)
    }

    @Test("[108] is over when disconnect returns, and so is it when the end is told")
    func over() async throws {
        let stage = try ConnectionStage()
        let queuePair = try stage.queuePair()
        let gate = Gate()
        let isOver = SharedValue(false)
        let connector = try await stage.connected(queuePair) { _ in
            gate.pass()
            isOver.value = true
        }
        stage.device.deliver(RDMA_CM_EVENT_DISCONNECTED, to: 0)
        gate.awaitSomebody()
        #expect(connector.state == .ended(.disconnectedByPeer))
        async let disconnected = {
            try await connector.disconnect(timeLimit: .milliseconds(1))
            return isOver.value
        }()
        async let told = {
            _ = await connector.waitForDisconnect()
            return isOver.value
        }()
        // Longer than the limit, which is about the peer and not about the callback.
        usleep(20_000)
        gate.open()
        #expect(try await disconnected)
        #expect(await told)
    }

    @Test("[110] is waited for by the adapter's close, which counts it among what is alive")
    func adapterClose() async throws {
        let device = FakeDevice()
        let adapter = try Adapter.open(over: device.selfAnswering)
        let gate = Gate()
        try await Self.connectAndDrop(adapter, device, until: gate) { _ in gate.pass() }
        let error = #expect(throws: AdapterError.self) { try adapter.close(waiting: .milliseconds(20)) }
        guard case .survivors(let survivors) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(survivors.connections == 1)
        gate.open()
        try adapter.close(waiting: .seconds(10))
    }

    @Test("[110] cannot close the adapter, which says so and stays as it is")
    func closeInside() async throws {
        let device = FakeDevice()
        let adapter = try Adapter.open(over: device.selfAnswering)
        let errors = SharedValue<[AdapterError]>([])
        let gate = Gate()
        gate.open()
        try await Self.connectAndDrop(adapter, device, until: gate) { _ in
            do throws(AdapterError) { try adapter.close() } catch { errors.update { $0.append(error) } }
            gate.pass()
        }
        #expect(errors.value == [.insideCallback])
        _ = try adapter.createCompletionQueue(depth: 1)
        try adapter.close(waiting: .seconds(10))
    }

    @Test("[107] may close its queue pair, its listener and its connector, and be the last who has the adapter")
    func closeEverythingInside() async throws {
        let device = FakeDevice()
        do {
            let box = SharedValue<Belongings?>(nil)
            let stage = try ConnectionStage(device: device)
            let (listener, connector) = try await stage.requested()
            let queuePair = SharedQueuePair(try stage.queuePair())
            let script = Task {
                try await device.reaches(.accept)
                device.deliver(RDMA_CM_EVENT_ESTABLISHED, to: 1)
            }
            try await connector.accept(queuePair.queuePair) { _ in box.value = nil }
            try await script.value
            box.value = Belongings(stage: stage, listener: listener, connector: connector, queuePair: queuePair)
        }
        device.deliver(RDMA_CM_EVENT_DISCONNECTED, to: 1)
        try await device.isEmpty()
    }

    @Test("[108] [109] comes once at most, and not after disconnect has returned")
    func stress() async throws {
        let device = FakeDevice()
        let stage = try ConnectionStage(device: device, verbs: device.selfAnswering)
        for round in 0..<200 {
            let queuePair = try stage.queuePair()
            let calls = SharedValue(0)
            let connector = try await stage.adapter.connect(queuePair, to: ConnectionStage.peer) { _ in
                calls.update { $0 += 1 }
            }
            let identifier = try #require(device.identifierNumbers.last)
            device.deliver(RDMA_CM_EVENT_DISCONNECTED, to: identifier)
            if round % 2 == 0 { usleep(UInt32.random(in: 0...100)) }
            try await connector.disconnect()
            let count = calls.value
            #expect(count <= 1)
            usleep(50)
            #expect(calls.value == count)
        }
    }

    /// Connects, and has the peer end the connection; nobody has any part of it when this returns.
    private static func connectAndDrop(
        _ adapter: Adapter, _ device: FakeDevice, until gate: Gate,
        onDisconnect: @escaping @Sendable (ConnectionEnd) -> Void
    ) async throws {
        let completions = try adapter.createCompletionQueue(depth: 512)
        let queuePair = try adapter.createQueuePair(completions: completions)
        let connector = try await adapter.connect(queuePair, to: ConnectionStage.peer, onDisconnect: onDisconnect)
        device.deliver(RDMA_CM_EVENT_DISCONNECTED, to: 0)
        gate.awaitSomebody()
        withExtendedLifetime(connector) {}
    }
}

/// What a test has of a connection.
private struct Belongings: Sendable {
    let stage: ConnectionStage
    let listener: Listener
    let connector: Connector
    let queuePair: SharedQueuePair
}

/// Holds a callback up.
private final class Gate: Sendable {
    private let isOpen = SharedValue(false)
    private let isReached = SharedValue(false)

    func pass() {
        isReached.value = true
        while !isOpen.value { usleep(100) }
    }

    func open() { isOpen.value = true }

    /// Returns when somebody is at the gate, or has passed it.
    func awaitSomebody() {
        while !isReached.value { usleep(100) }
    }
}
