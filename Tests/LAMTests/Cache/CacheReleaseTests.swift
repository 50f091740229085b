import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("Releasing a mapping of a cached registration, and closing the cache")
struct CacheReleaseTests {
    @Test("with released() returns when nothing uses the mapping any more; the memory stays pinned")
    func released() async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter)
            let buffer = try PageBuffer(count: 4096)
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            try await cache.buildLam(over: buffer).released()
            let mapping = try cache.buildLam(over: buffer)
            try queuePair.receive(into: mapping, 0..<8)
            let box = BoxedMapping(mapping)
            let isDone = SharedValue(false)
            let waiting = Task {
                await box.take()?.released()
                isDone.value = true
            }
            let number = queuePair.number
            #expect(eventually { adapter.survivors.mappings.contains { !$0.use.isEmpty } })
            #expect(!isDone.value)
            device.completeReceive(number)
            await waiting.value
            #expect(device.registrationCount == 1)
            try cache.buildLam(over: buffer).release()
            #expect(cache.statistics.misses == 1)
        }
    }

    @Test("with tryRelease() is done at once, or names who uses it and leaves the mapping as it was")
    func tryRelease() async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter)
            let buffer = try PageBuffer(count: 4096)
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var mapping = try cache.buildLam(over: buffer)
            let element = mapping.element(8..<16)
            try queuePair.receive(into: mapping, 0..<8)
            #expect(mapping.use.description == "1 request on the receive queue of queue pair \(queuePair.number)")
            mapping = try mapping.expectBusy()
            try queuePair.receive(into: [element].span)
            device.completeReceive(queuePair.number)
            device.completeReceive(queuePair.number)
            #expect(completions.take(2).count == 2)
            mapping.releaseNow()
            try cache.buildLam(over: buffer).releaseNow()
            #expect(cache.statistics.misses == 1)
        }
    }

    @Test("[41] [42] is not held up by a post that failed")
    func refusedPosts() async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter)
            let buffer = try PageBuffer(count: 4096)
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let standing = try adapter.map()
            let mapping = try cache.buildLam(over: buffer)
            let twin = try cache.buildLam(over: buffer)
            device.inject(ENOMEM, into: .postSend, times: 2)
            #expect(throws: PostError.self) { try queuePair.send(twin, 0..<8) }
            #expect(throws: PostError.self) { try queuePair.send([twin.element, mapping.element].span) }
            // What has the positions of the refused ones stays outstanding.
            try queuePair.send(standing, 0..<8)
            try queuePair.send(standing, 0..<8)
            #expect(mapping.use.isEmpty, "\(mapping.use)")
            #expect(twin.use.isEmpty, "\(twin.use)")
            mapping.releaseNow()
            twin.releaseNow()
            device.complete(queuePair.number, sends: 2)
        }
    }

    @Test("by another thread than built it gives it back to that one")
    func elsewhere() async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter)
            let buffer = try PageBuffer(count: 4096)
            let slots = SharedValue<Set<UInt64>>([])
            for _ in 0..<100 {
                let mapping = try cache.buildLam(over: buffer)
                slots.update { _ = $0.insert(mapping.baseAddress.rawValue >> 32 & 0xF_FFFF) }
                let box = BoxedMapping(mapping)
                TestThread { box.take()?.release() }.join()
            }
            #expect(slots.value.count == 1, "no slot is taken for each")
            #expect(cache.statistics.hits == 99)
            #expect(cache.trim() == fakePageSize)
        }
    }

    @Test("Closing makes no more mappings; those that are there work on, and take the registration with them")
    func close() async throws {
        try await withFakeAdapter { adapter, device in
            var cache: RegistrationCache? = try smallCache(adapter)
            let buffers = try pageBuffers(2)
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try cache!.buildLam(over: buffers[0])
            try cache!.buildLam(over: buffers[1]).release()
            cache?.close()
            #expect(device.registrationCount == 1)
            for buffer in buffers { #expect(throws: MappingError.closed) { _ = try cache?.buildLam(over: buffer) } }
            cache = nil
            try queuePair.send(mapping, 0..<8)
            mapping.release()
            #expect(device.registrationCount == 1)
            device.complete(queuePair.number)
            #expect(completions.take(1).count == 1)
            #expect(eventually { device.registrationCount == 0 })
            queuePair.close()
        }
    }

    @Test("[54] An adapter's close waits for the cache, and names it and each mapping by the place that built it")
    func survivors() async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter, line: 100)
            let buffer = try PageBuffer(count: 8)
            let mapping = try cache.buildLam(over: buffer, line: 200)
            let text = "\(try #require(throws: AdapterError.self) { try adapter.close(waiting: .zero) })"
            #expect(text.contains("registration cache created at LAMTests/CacheReleaseTests.swift:100"))
            #expect(text.contains("mapping of 8 bytes built at LAMTests/CacheReleaseTests.swift:200, used by nothing"))
            #expect(throws: AdapterError.closed) { _ = try smallCache(adapter) }
            cache.close()
            mapping.release()
            try adapter.close(waiting: .seconds(10))
        }
    }
}
