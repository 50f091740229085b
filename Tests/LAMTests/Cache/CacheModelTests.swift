import LAM
import TestSupport
import Testing

@Suite("A registration cache and its model")
struct CacheModelTests {
    @Test(
        "[32] [55] agree on every count, on every mapping, and on what may be unmapped, after each random step",
        arguments: [1, 2, 3, 5, 8, UInt64.random(in: 100...UInt64.max)])
    func agree(seed: UInt64) async throws {
        try await withFakeAdapter { adapter, device in
            let model = try CacheModel(adapter, pages: 8 << (seed % 5), seed: seed)
            for step in 0..<4_000 {
                try model.step()
                try #require(model.objections == [], "seed \(seed), step \(step)")
            }
            model.end(device)
            #expect(model.objections == [], "seed \(seed)")
        }
    }

    @Test("disagree soon if the cache is broken", arguments: CacheModel.Canary.allCases)
    func canary(_ canary: CacheModel.Canary) async throws {
        try await withFakeAdapter { adapter, _ in
            let model = try CacheModel(adapter, pages: 8, seed: 1, canary: canary)
            var steps = 0
            while model.objections.isEmpty, steps < 4_000 {
                try model.step()
                steps += 1
            }
            #expect(steps < 4_000)
        }
    }

    @Test("find thousands of registrations again, whichever were forgotten in between")
    func many() async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter, pages: 1 << 20)
            let count = 3_000
            let buffer = try PageBuffer(count: count)
            // Neighbours that differ in one byte of their address.
            let memory = (0..<count).map { MemoryDescriptor(address: buffer.descriptor.address + UInt($0), length: 1) }
            for memory in memory { try unsafe cache.buildLam(over: memory).release() }
            for index in stride(from: 0, to: count, by: 3) { #expect(cache.forget(memory[index])) }
            #expect(device.registrationCount == count - count / 3)
            for memory in memory { try unsafe cache.buildLam(over: memory).release() }
            #expect(cache.statistics.hits == count - count / 3)
            #expect(cache.statistics.misses == count + count / 3)
        }
    }
}
