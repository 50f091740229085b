import Glibc
import LAM
import TestSupport
import Testing

@Suite("Closing an arena")
struct ArenaCloseTests {
    @Test("makes no more mappings; those that are there work on, and the last one takes the slab with it")
    func liveMappings() async throws {
        try await withFakeAdapter { adapter, device in
            var arena: Arena? = try smallArena(adapter, slabs: 2, pages: 2)
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let first = try arena!.buildLam(length: fakePageSize)
            let second = try arena!.buildLam(length: fakePageSize)
            arena?.close()
            #expect(throws: MappingError.closed) { _ = try arena?.buildLam(length: 1) }
            arena = nil
            try queuePair.send(first, 0..<8)
            try queuePair.send([second.element].span)
            device.complete(queuePair.number, sends: 2)
            #expect(completions.take(2).allSatisfy { $0.status == .success })
            first.withMutableBytes { $0.storeBytes(of: 1, as: UInt8.self) }
            first.releaseNow()
            #expect(device.registrationCount == 1)
            second.release()
            #expect(eventually { device.registrationCount == 0 })
        }
    }

    @Test("gives back at once what nothing uses")
    func idle() async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try smallArena(adapter, slabs: 4)
            let kept = KeptMappings()
            for _ in 0..<4 { kept.add(try arena.buildLam(length: fakePageSize)) }
            kept.releaseAll()
            arena.close()
            #expect(eventually { device.registrationCount == 0 })
            try adapter.close(waiting: .seconds(10))
        }
    }

    @Test("[54] is what an adapter's close waits for; it names the arena, and each mapping by the place that cut it")
    func survivors() async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try smallArena(adapter, line: 100)
            let error = try #require(throws: AdapterError.self) { try adapter.close(waiting: .zero) }
            #expect("\(error)".contains("arena created at LAMTests/ArenaCloseTests.swift:100"))
            #expect(throws: AdapterError.closed) { _ = try adapter.createArena(ArenaOptions(budgetBytes: 1)) }
            #expect(throws: MappingError.closed) { _ = try arena.buildLam(length: 1) }
            arena.close()
            try adapter.close(waiting: .seconds(10))
        }
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var arena: Arena? = try smallArena(adapter, line: 100)
            let live = try arena!.buildLam(length: 8, line: 200)
            let used = try arena!.buildLam(length: 16, line: 300)
            try arena!.buildLam(length: 24, line: 400).release()
            try queuePair.receive(into: used, 0..<8)
            used.release()
            arena = nil
            let text = adapter.survivors.description
            #expect(text.contains("arena created at LAMTests/ArenaCloseTests.swift:100"))
            #expect(text.contains("mapping of 4096 bytes built at LAMTests/ArenaCloseTests.swift:100, used by nothing"))
            #expect(text.contains("mapping of 8 bytes built at LAMTests/ArenaCloseTests.swift:200, used by nothing"))
            #expect(text.contains(":300, used by 1 request on the receive queue of queue pair \(queuePair.number)"))
            #expect(!text.contains(":400"))
            live.releaseNow()
            device.completeReceive(queuePair.number)
            #expect(eventually { adapter.survivors.arenas.isEmpty })
        }
    }

    @Test("leaves nothing, also when all of it is dropped at once, the adapter first")
    func dropped() throws {
        let device = FakeDevice()
        let mapping: BoxedMapping
        do {
            let adapter = try Adapter.open(over: device.verbs)
            let arena = try smallArena(adapter, slabs: 2)
            try arena.buildLam(length: fakePageSize).release()
            mapping = BoxedMapping(try arena.buildLam(length: fakePageSize))
        }
        #expect(device.regions.count >= 2)
        mapping.take()?.release()
        expectNothingLeft(of: device)
    }
}
