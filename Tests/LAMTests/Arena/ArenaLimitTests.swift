import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("The limits of an arena")
struct ArenaLimitTests {
    @Test("grows slab by slab up to its budget, and then says no with the numbers")
    func budget() async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try smallArena(adapter, slabs: 3, pages: 2)
            let kept = KeptMappings()
            for count in 1...6 {
                kept.add(try arena.buildLam(length: fakePageSize))
                #expect(device.registrationCount == (count + 1) / 2)
            }
            let error = try #require(throws: MappingError.self) { _ = try arena.buildLam(length: 1) }
            #expect(error == .arenaFull(asked: 512, pinned: 6 * fakePageSize, budget: 6 * fakePageSize))
            #expect("\(error)".contains("24576"))
            kept.releaseAll()
            try arena.buildLam(length: fakePageSize).releaseNow()
        }
    }

    @Test("gives slabs back that nothing uses, and keeps the others")
    func trim() async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try smallArena(adapter, slabs: 4)
            let kept = KeptMappings()
            let standing = try arena.buildLam(length: fakePageSize)
            for _ in 0..<3 { kept.add(try arena.buildLam(length: fakePageSize)) }
            #expect(arena.trim() == 0)
            kept.releaseAll()
            #expect(arena.trim(toBytes: 3 * fakePageSize) == fakePageSize)
            #expect(device.registrationCount == 3)
            #expect(arena.statistics.pinnedBytes == 3 * fakePageSize)
            #expect(arena.trim() == 2 * fakePageSize)
            #expect(device.registrationCount == 1)
            #expect(arena.trim() == 0)
            standing.releaseNow()
            #expect(arena.trim() == fakePageSize)
            #expect(device.pinnedPageCount == 1, "the token's")
        }
    }

    @Test("does not give back what a request uses, however it is asked")
    func trimUnderRequest() async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try smallArena(adapter)
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try arena.buildLam(length: 8)
            try queuePair.receive(into: mapping, 0..<8)
            mapping.release()
            for _ in 0..<5 { #expect(arena.trim() == 0) }
            arena.close()
            usleep(20_000)
            #expect(device.registrationCount == 1)
            device.completeReceive(queuePair.number)
            #expect(eventually { device.registrationCount == 0 })
        }
    }

    @Test("divides a slab anew that is free of blocks of another size, and gives one up for a larger one")
    func sizes() async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try smallArena(adapter, slabs: 2, pages: 4)
            for length in [512, 4 * fakePageSize, 1024, fakePageSize] {
                let kept = KeptMappings()
                for _ in 0..<(8 * fakePageSize / length) { kept.add(try arena.buildLam(length: length)) }
                expectFull(arena, length: length)
            }
            #expect(device.callCount(.registerRegion) == 3, "the token's and two slabs'")
            let large = try arena.buildLam(length: 8 * fakePageSize)
            #expect(device.registrationCount == 1)
            expectFull(arena, length: 1)
            large.releaseNow()
            expectFull(arena, length: 16 * fakePageSize)
            try arena.buildLam(length: 1).releaseNow()
        }
    }

    @Test("[21] [24] throws what the registration of a slab threw, leaves nothing, and goes on when there is room")
    func refusedRegistration() async throws {
        let device = FakeDevice(pinnedPageLimit: 4)
        try await withFakeAdapter(over: device) { adapter, device in
            let arena = try smallArena(adapter, slabs: 4, pages: 2)
            let first = try arena.buildLam(length: 2 * fakePageSize)
            for _ in 0..<3 {
                #expect(throws: MappingError.verbFailed(verb: "ibv_reg_mr_iova2", errno: ENOMEM)) {
                    _ = try arena.buildLam(length: 2 * fakePageSize)
                }
                #expect(device.pinnedPageCount == 3)
                #expect(arena.statistics.pinnedBytes == 2 * fakePageSize)
            }
            first.release()
            // The blocks that are there are better than an error.
            for _ in 0..<3 { try arena.buildLam(length: 2 * fakePageSize).release() }
            try arena.buildLam(length: 1).releaseNow()
        }
    }

    @Test("obeys the adapter's budget, too")
    func adapterBudget() async throws {
        try await withFakeAdapter(options: AdapterOptions(pinBudget: 3 * fakePageSize)) { adapter, device in
            let arena = try smallArena(adapter, slabs: 4)
            let standing = try adapter.map()
            let kept = KeptMappings()
            for _ in 0..<2 { kept.add(try arena.buildLam(length: fakePageSize)) }
            let error = try #require(throws: MappingError.self) { _ = try arena.buildLam(length: fakePageSize) }
            guard case .overBudget = error else { throw error }
            standing.releaseNow()
            try arena.buildLam(length: fakePageSize).releaseNow()
        }
    }

    @Test("keeps a slab whose deregistration was refused, counts it, and tries again")
    func refusedDeregistration() async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try smallArena(adapter)
            try arena.buildLam(length: 1).release()
            device.inject(EBUSY, into: .deregisterRegion, times: 3)
            #expect(arena.trim() == 0)
            #expect(arena.statistics.pinnedBytes == fakePageSize, "the budget counts it while it is pinned")
            #expect(eventually { device.registrationCount == 0 })
            #expect(eventually { arena.statistics.pinnedBytes == 0 })
            #expect(adapter.statistics.refusedDeregistrations == 3)
            try arena.buildLam(length: 1).releaseNow()
        }
    }
}
