import LAM
import LAMServiceLifecycle
import Logging
import ServiceLifecycle
import TestSupport
import Testing

@Suite("An adapter in a service group", .timeLimit(.minutes(1)))
struct AdapterServiceTests {
    private static let own = SocketAddress("10.0.0.1:7471")!

    private let device: FakeDevice
    private let adapter: Adapter

    init() throws {
        device = FakeDevice()
        adapter = try Adapter.open(over: device.verbs)
    }

    @Test("is open until the services behind it have ended, and closed then")
    func order() async throws {
        let server = ClosureService { [adapter] in
            let listener = try await adapter.listen(on: Self.own)
            for await connector in listener.cancelOnGracefulShutdown() { try await connector.reject() }
            _ = try adapter.createCompletionQueue(depth: 1)
        }
        try await runAndShutDown([AdapterService(adapter), server])
        expectClosed()
    }

    @Test("refuses peers, and waits until a mapping that was released is no longer used by a request")
    func drain() async throws {
        let listener = try await adapter.listen(on: Self.own)
        let shutdown: Task<Void, any Error>
        do {
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.createQueuePair(
                completions: completions, capacity: QueuePairCapacity(sendDepth: 4, receiveDepth: 4))
            try queuePair.connect(to: queuePair.address)
            let mapping = try adapter.buildLam(over: PageBuffer(count: 4096))
            try queuePair.send(mapping, 0..<8)
            mapping.release()
            shutdown = Task { try await runAndShutDown([AdapterService(adapter)]) }
            #expect(await listener.next() == nil)
            #expect(adapter.survivors.mappings.count == 1)
            #expect(device.regions.count == 2)
            device.complete(queuePair.number)
            while !adapter.survivors.mappings.isEmpty { await Task.yield() }
        }
        try await shutdown.value
        expectClosed()
    }

    @Test("names what is left when its patience is over")
    func survivors() async throws {
        let mapping = try adapter.buildLam(over: PageBuffer(count: 4096))
        let error = await #expect(throws: AdapterError.self) {
            try await runAndShutDown([AdapterService(adapter, patience: .milliseconds(10))])
        }
        #expect(error?.description.contains("AdapterServiceTests.swift") ?? false)
        mapping.release()
    }

    @Test("is closed as well when its task is cancelled")
    func cancellation() async throws {
        let task = Task { [adapter] in try await AdapterService(adapter).run() }
        task.cancel()
        try await task.value
        expectClosed()
    }

    /// Runs a group, and shuts it down once it runs.
    private func runAndShutDown(_ services: [any Service]) async throws {
        let isRunning = SharedValue(false)
        let last = ClosureService {
            isRunning.value = true
            try await gracefulShutdown()
        }
        let group = ServiceGroup(
            services: services + [last], logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await group.run() }
            while !isRunning.value { await Task.yield() }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private func expectClosed() {
        #expect(throws: AdapterError.closed) { _ = try adapter.createCompletionQueue(depth: 1) }
        #expect(adapter.survivors.description == "nothing")
        #expect(device.pinnedPageCount == 0)
    }
}
