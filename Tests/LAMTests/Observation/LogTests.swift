import Glibc
import LAM
import Logging
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("The log of an adapter")
struct LogTests {
    let log = CapturedLog()

    @Test("says when the adapter opens and, once, when it closes; nothing of requests")
    func life() async throws {
        try await withFakeAdapter(options: log.options) { adapter, device in
            do {
                var completions = try adapter.createCompletionQueue(depth: 8)
                var queuePair = try adapter.connectedQueuePair(completions)
                for _ in 0..<100 {
                    let mapping = try adapter.map()
                    try queuePair.send(mapping, 0..<8)
                    device.complete(queuePair.number)
                    #expect(completions.take(1).count == 1)
                    mapping.releaseNow()
                }
            }
            try adapter.close()
            try adapter.close()
        }
        _ = log.entries("adapter closed")
        #expect(log.entries.map(\.message) == ["adapter opened", "adapter closed"])
        #expect(log.entries.allSatisfy { $0.level == .debug && $0.metadata["lam.device"] == "fake0" })
        #expect(log.entries.first?.metadata["lam.port"] == "1")
    }

    @Test("says that an adapter closes that is dropped")
    func dropped() async throws {
        try await withFakeAdapter(options: log.options) { _, _ in }
        #expect(log.entries("adapter closed").count == 1)
    }

    @Test("has what the logger asks for and nothing below")
    func level() async throws {
        let quiet = CapturedLog(from: .notice)
        try await withFakeAdapter(options: quiet.options) { adapter, device in
            device.inject(EIO, into: .registerRegion)
            #expect(throws: MappingError.self) { _ = try adapter.map() }
        }
        #expect(quiet.entries.isEmpty)
    }

    @Test("says where a build was refused, and why")
    func refusedBuild() async throws {
        try await withFakeAdapter(options: log.options) { adapter, device in
            device.inject(EIO, into: .registerRegion)
            #expect(throws: MappingError.self) { _ = try adapter.map(pages: 2, line: 4711) }
        }
        let entry = try #require(log.entries("build refused").first)
        #expect(entry.level == .debug)
        #expect(entry.metadata["lam.mapping.site"] == "LAMTests/LogTests.swift:4711")
        #expect(entry.metadata["lam.mapping.bytes"] == "8192")
        #expect(entry.metadata["lam.error"]?.contains("ibv_reg_mr") == true)
    }

    @Test("says once that a mapping in use was released, and what used it")
    func deferredRelease() async throws {
        try await withFakeAdapter(options: log.options) { adapter, _ in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            for _ in 0..<3 {
                let mapping = try adapter.map()
                try queuePair.receive(into: mapping, 0..<8)
                mapping.release()
            }
            #expect(adapter.statistics.deferredReleases == 3)
            queuePair.close()
        }
        let entries = log.entries("a mapping in use was released")
        #expect(entries.map(\.level) == [.notice])
        #expect(entries[0].metadata["lam.use"]?.contains("on the receive queue of queue pair") == true)
        #expect(entries[0].metadata["lam.mapping.site"]?.contains("LogTests.swift") == true)
    }

    @Test("says once that a request named memory that it must not; each is counted")
    func violations() async throws {
        try await withFakeAdapter(options: log.options) { adapter, _ in
            let other = try Adapter.open(over: FakeDevice().verbs)
            let foreign = try other.map()
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var shared = try adapter.createSharedReceiveQueue(depth: 8)
            let window = try adapter.createMemoryWindow()
            let mapping = try adapter.map()
            let stale = mapping.element(0..<8)
            let long = ScatterGatherElement(address: stale.address, length: 5000, token: stale.token)
            #expect(throws: PostError.beyondMapping(element: 0)) { try queuePair.send([long].span) }
            mapping.releaseNow()
            #expect(throws: PostError.self) { try queuePair.send([stale].span) }
            #expect(throws: PostError.self) { try queuePair.receive(into: [stale].span) }
            #expect(throws: PostError.self) { try shared.receive(into: [stale].span) }
            #expect(throws: PostError.self) { try queuePair.send(foreign, 0..<8) }
            #expect(throws: PostError.self) { try queuePair.receive(into: foreign, 0..<8) }
            #expect(throws: PostError.self) { try shared.receive(into: foreign, 0..<8) }
            #expect(throws: PostError.self) { _ = try queuePair.bind(window, over: foreign, 0..<8, access: .read) }
            #expect(adapter.statistics.violations == 8)
            // What is wrong with this one has nothing to do with memory.
            let many = [ScatterGatherElement](repeating: stale, count: 100)
            #expect(throws: PostError.self) { try queuePair.send(many.span) }
            #expect(adapter.statistics.violations == 8)
            foreign.releaseNow()
        }
        let entries = log.entries("a request named memory")
        #expect(entries.map(\.level) == [.warning])
        #expect(entries[0].metadata["lam.error"]?.contains("ends behind the mapping") == true)
    }

    @Test("says once that the device fails to poll; each failure is counted")
    func polls() async throws {
        try await withFakeAdapter(options: log.options) { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            device.inject(EIO, into: .pollCompletionQueue, times: 3)
            for _ in 0..<3 { #expect(completions.drain().isEmpty) }
            #expect(adapter.statistics.failedPolls == 3)
        }
        #expect(log.entries("the device answered a poll with a failure").map(\.level) == [.error])
    }

    @Test("has what the device reports by itself")
    func deviceEvents() async throws {
        try await withFakeAdapter(options: log.options) { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            let shared = try adapter.createSharedReceiveQueue(depth: 8)
            let queuePair = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            device.reportPort(isActive: false)
            device.reportPort(isActive: true)
            #expect(log.entries("a port is down").map(\.level) == [.notice])
            #expect(log.entries("a port is active").map(\.metadata["lam.port"]) == ["1"])
            device.failSharedQueue(of: queuePair.number)
            let failedQueue = log.entries("a shared receive queue failed")
            #expect(failedQueue.map(\.level) == [.error])
            #expect(failedQueue.map(\.metadata["lam.object"]) == ["shared receive queue 1"])
            let second = try adapter.connectedQueuePair(completions)
            device.reportFailure(of: second.number)
            let failedPair = log.entries("a queue pair failed by itself")
            #expect(failedPair.map(\.level) == [.error])
            #expect(failedPair.map(\.metadata["lam.object"]) == ["queue pair \(second.number)"])
            device.failReceiveQueue(of: second.number)
            #expect(log.entries("a completion queue lost results").map(\.level) == [.error])
            device.reportFailureOfDevice()
            #expect(log.entries("the device failed").map(\.level) == [.error])
        }
    }

    @Test("[54] names the place of each mapping that keeps the adapter from closing")
    func survivors() async throws {
        try await withFakeAdapter(options: log.options) { adapter, _ in
            let first = try adapter.map(line: 4711)
            let second = try adapter.map(pages: 3, line: 4712)
            let completions = try adapter.createCompletionQueue(depth: 8)
            #expect(throws: AdapterError.self) { try adapter.close(waiting: .zero) }
            let mappings = log.entries("a mapping keeps the adapter from closing", atLeast: 2)
            #expect(mappings.map(\.level) == [.error, .error])
            let sites = Set(mappings.compactMap { $0.metadata["lam.mapping.site"] })
            #expect(sites == ["LAMTests/LogTests.swift:4711", "LAMTests/LogTests.swift:4712"])
            #expect(Set(mappings.compactMap { $0.metadata["lam.mapping.bytes"] }) == ["4096", "12288"])
            let objects = log.entries("an object keeps the adapter from closing")
            #expect(objects.map(\.metadata["lam.object"]) == ["1 completion queues"])
            first.releaseNow()
            second.releaseNow()
            _ = consume completions
            try adapter.close(waiting: .seconds(10))
        }
        #expect(log.entries("adapter closed").count == 1)
    }
}
