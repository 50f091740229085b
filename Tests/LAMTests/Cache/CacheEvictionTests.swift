import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("What a registration cache gives up")
struct CacheEvictionTests {
    @Test("is what was not used for longest, when there is no room for another one")
    func limit() async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter, pages: 2, idleLimit: .milliseconds(200))
            let buffers = try pageBuffers(3)
            try cache.buildLam(over: buffers[0]).release()
            try cache.buildLam(over: buffers[1]).release()
            // Until the clock goes on, both are as old as the other.
            usleep(110_000)
            try cache.buildLam(over: buffers[0]).release()
            try cache.buildLam(over: buffers[2]).release()
            #expect(cache.statistics.evictions == 1)
            #expect(cache.statistics.pinnedBytes == 2 * fakePageSize)
            #expect(device.regions.contains { $0.base == buffers[0].descriptor.address })
            #expect(!device.regions.contains { $0.base == buffers[1].descriptor.address })
        }
    }

    @Test("is nothing that is mapped; then mappings are built without the cache")
    func bypass() async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter, pages: 2)
            let buffers = try pageBuffers(3)
            let kept = KeptMappings()
            for buffer in buffers { kept.add(try cache.buildLam(over: buffer)) }
            #expect(cache.statistics.bypasses == 1)
            #expect(cache.trim() == 0)
            #expect(device.registrationCount == 3)
            kept.releaseAll()
            #expect(eventually { device.registrationCount == 2 })
            try cache.buildLam(over: try PageBuffer(count: 3 * fakePageSize)).release()
            #expect(cache.statistics.bypasses == 2)
            #expect(cache.statistics.evictions == 0)
        }
    }

    @Test("[35] [36] is nothing that a request uses", arguments: [false, true])
    func inUse(isReceive: Bool) async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter)
            let buffer = try PageBuffer(count: 100)
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try cache.buildLam(over: buffer)
            if isReceive {
                try queuePair.receive(into: mapping, 0..<8)
            } else {
                try queuePair.send(mapping, 0..<8)
            }
            mapping.release()
            for _ in 0..<3 {
                #expect(cache.trim() == 0)
                // Mappings that are made meanwhile change nothing about that.
                try cache.buildLam(over: buffer).release()
            }
            if isReceive { device.completeReceive(queuePair.number) } else { device.complete(queuePair.number) }
            #expect(completions.take(1).count == 1)
            #expect(cache.trim() == fakePageSize)
            #expect(device.registrationCount == 0)
        }
    }

    @Test("is what is idle, without anybody doing anything")
    func idle() async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter, idleLimit: .milliseconds(20))
            let buffers = try pageBuffers(2)
            let standing = try cache.buildLam(over: buffers[0])
            try cache.buildLam(over: buffers[1]).release()
            #expect(eventually { device.registrationCount == 1 })
            #expect(cache.statistics.evictions == 1)
            #expect(device.regions.contains { $0.base == buffers[0].descriptor.address })
            standing.release()
            #expect(eventually { device.registrationCount == 0 })
            // The clock begins anew.
            try cache.buildLam(over: buffers[0]).release()
            #expect(eventually { device.registrationCount == 0 })
        }
    }

    @Test("[24] makes room in the adapter's budget, before a build is refused")
    func adapterBudget() async throws {
        try await withFakeAdapter(options: AdapterOptions(pinBudget: 3 * fakePageSize)) { adapter, device in
            let cache = try smallCache(adapter)
            let arena = try smallArena(adapter)
            for buffer in try pageBuffers(2) { try cache.buildLam(over: buffer).release() }
            try arena.buildLam(length: 1).release()
            let one = try adapter.map()
            #expect(cache.statistics.registrations == 1, "no more goes than is needed")
            let two = try adapter.map()
            #expect(cache.statistics.registrations == 0)
            #expect(arena.statistics.slabs == 1, "the cache goes first")
            let three = try adapter.map()
            #expect(arena.statistics.slabs == 0)
            #expect(throws: MappingError.self) { _ = try adapter.map() }
            one.releaseNow()
            two.releaseNow()
            three.releaseNow()
        }
    }

    @Test("[21] makes room where the system or the device has none")
    func systemLimit() async throws {
        // One of the pages is the token's.
        try await withFakeAdapter(over: FakeDevice(pinnedPageLimit: 3)) { adapter, device in
            let cache = try smallCache(adapter)
            for buffer in try pageBuffers(2) { try cache.buildLam(over: buffer).release() }
            try adapter.map(pages: 2).releaseNow()
            #expect(cache.statistics.evictions == 2)
        }
    }

    @Test("stays pinned and counted while the device refuses to let it go, and is tried again")
    func refusedDeregistration() async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter, pages: 1)
            let buffer = try PageBuffer(count: 10)
            try cache.buildLam(over: buffer).release()
            device.inject(EBUSY, into: .deregisterRegion, times: 3)
            #expect(cache.trim() == 0)
            #expect(eventually { device.registrationCount == 0 })
            #expect(eventually { cache.statistics.pinnedBytes == 0 })
            #expect(adapter.statistics.refusedDeregistrations == 3)
            try cache.buildLam(over: buffer).release()
            #expect(cache.statistics.misses == 2)
        }
    }
}
