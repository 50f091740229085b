import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("Closing an adapter")
struct AdapterCloseTests {
    @Test("[54] does not complete while a mapping lives, and names the place that built it")
    func liveMapping() async throws {
        try await withFakeAdapter { adapter, device in
            let mapping = try adapter.map(line: 4711)
            let error = try #require(throws: AdapterError.self) { try adapter.close(waiting: .milliseconds(20)) }
            #expect("\(error)".contains("mapping of 4096 bytes built at LAMTests/AdapterCloseTests.swift:4711"))
            mapping.releaseNow()
            try adapter.close(waiting: .seconds(10))
            #expect(device.regions.isEmpty)
        }
    }

    @Test("[54] says of a released mapping which requests still hold it")
    func heldMapping() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            try queuePair.receive(into: mapping, 0..<8)
            mapping.release()
            let survivors = SharedValue<Survivors?>(nil)
            let asking = TestThread { survivors.value = adapter.survivors }
            try #require(eventually { survivors.value != nil }, "survivors never come")
            asking.join()
            let use = try #require(survivors.value?.mappings.first?.use)
            #expect(use.queues.map(\.side) == [.receive])
            #expect(use.queues.map(\.queuePairNumber) == [queuePair.number])
            queuePair.close()
            #expect(completions.drain().map(\.status) == [.flushed])
        }
    }

    @Test("lets nothing new be created, whatever it is")
    func nothingNew() async throws {
        try await withFakeAdapter { adapter, _ in
            let completions = try adapter.createCompletionQueue(depth: 8)
            #expect(throws: AdapterError.self) { try adapter.close(waiting: .zero) }
            #expect(throws: AdapterError.closed) { _ = try adapter.createCompletionQueue(depth: 1) }
            #expect(throws: AdapterError.closed) { _ = try adapter.createQueuePair(completions: completions) }
            #expect(throws: AdapterError.closed) { _ = try adapter.createMemoryWindow() }
            #expect(throws: MappingError.self) { _ = try adapter.map() }
        }
    }

    @Test("completes when the last child goes, also while it waits")
    func lastChild() async throws {
        try await withFakeAdapter { adapter, device in
            let isClosed = SharedValue(false)
            let closing: TestThread
            do {
                let completions = try adapter.createCompletionQueue(depth: 8)
                let queuePair = try adapter.connectedQueuePair(completions)
                let window = try adapter.createMemoryWindow()
                let mapping = try adapter.map()
                closing = TestThread {
                    try? adapter.close()
                    // What close waited for is destroyed, not just about to be.
                    isClosed.value =
                        device.regions.isEmpty && device.windows.isEmpty
                        && device.callCount(.destroyCompletionQueue) == device.callCount(.createCompletionQueue)
                }
                usleep(5_000)
                #expect(!isClosed.value)
                mapping.release()
                queuePair.close()
                _ = consume window
                _ = consume completions
            }
            closing.join()
            #expect(isClosed.value)
        }
    }

    @Test("may be asked again, and again after it is closed")
    func again() async throws {
        try await withFakeAdapter { adapter, device in
            try adapter.close(waiting: .zero)
            try adapter.close(waiting: .zero)
            #expect(device.regions.isEmpty)
        }
    }

    @Test("waits as long as a Duration can say")
    func longWait() async throws {
        try await withFakeAdapter { adapter, _ in
            try adapter.close(waiting: .seconds(Int64.max))
        }
    }

    @Test("is not needed: an adapter that is dropped with everything of it goes completely")
    func dropped() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let window = try adapter.createMemoryWindow()
            let mapping = try adapter.map()
            try queuePair.send(mapping, 0..<8)
            _ = try queuePair.bind(window, over: mapping, 0..<8, access: .read)
        }
    }

    @Test("outlives a device that refuses to unpin the token's page for a while")
    func refusedToken() async throws {
        let device = FakeDevice()
        do {
            let adapter = try Adapter.open(over: device.verbs)
            device.inject(EBUSY, into: .deregisterRegion, times: 3)
            withExtendedLifetime(adapter) {}
        }
        expectNothingLeft(of: device)
    }
}
