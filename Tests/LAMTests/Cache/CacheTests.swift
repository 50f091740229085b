import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("A registration cache")
struct CacheTests {
    @Test("registers once, and makes mappings of it without another registration")
    func registersOnce() async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter)
            let buffer = try PageBuffer(count: 100)
            #expect(device.registrationCount == 0)
            for _ in 0..<1000 { try cache.buildLam(over: buffer).release() }
            #expect(device.callCount(.registerRegion) == 2, "the token's and the buffer's")
            let statistics = cache.statistics
            #expect(statistics.hits == 999)
            #expect(statistics.misses == 1)
            #expect(statistics.registrations == 1)
            #expect(statistics.pinnedBytes == fakePageSize)
            #expect(adapter.statistics.pinnedBytes == fakePageSize)
        }
    }

    @Test("tells ranges and rights apart, and gives no right that was not asked for")
    func keys() async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter)
            let buffer = try PageBuffer(count: 100)
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let writable = try cache.buildLam(over: buffer)
            let readOnly = try cache.buildLam(over: buffer, access: .readOnly)
            let part = MemoryDescriptor(address: buffer.descriptor.address, length: 99)
            let shorter = try unsafe cache.buildLam(over: part)
            #expect(device.registrationCount == 3)
            #expect(readOnly.access == .readOnly)
            #expect(shorter.length == 99)
            #expect(shorter.memory == part)
            #expect(throws: PostError.notWritable(element: 0)) { try queuePair.receive(into: readOnly, 0..<8) }
            #expect(throws: PostError.notWritable(element: 0)) {
                try queuePair.receive(into: [readOnly.element(0..<8)].span)
            }
            try queuePair.send(readOnly, 0..<100)
            try queuePair.receive(into: writable, 0..<100)
            device.complete(queuePair.number)
            device.completeReceive(queuePair.number)
            #expect(device.regions.filter { $0.rights.contains(.localWrite) }.count == 2)
            writable.release()
            readOnly.release()
            shorter.release()
        }
    }

    @Test("[34] [55] a released mapping's addresses fail inline, also when its memory is mapped again")
    func staleAddress() async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter)
            let buffer = try PageBuffer(count: 4096)
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let first = try cache.buildLam(over: buffer)
            let element = first.element(0..<8)
            first.release()
            for _ in 0..<5000 {
                #expect(throws: PostError.unknownAddress(element: 0)) { try queuePair.send([element].span) }
                let next = try cache.buildLam(over: buffer)
                #expect(throws: PostError.unknownAddress(element: 0)) { try queuePair.send([element].span) }
                next.release()
            }
            #expect(device.sends(on: queuePair.number).isEmpty)
        }
    }

    @Test("[57] has requests name the registration to the device, whichever way they are posted")
    func deviceAddresses() async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter)
            let buffer = try PageBuffer(count: 4096)
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let start = buffer.descriptor.address
            for _ in 0..<3 {
                let mapping = try cache.buildLam(over: buffer)
                for _ in 0..<2 { try queuePair.send(mapping, 100..<200) }
                try queuePair.receive(into: [mapping.element(1..<2)].span)
                #expect(Set(device.memoryInUse) == [start + 100..<start + 200, start + 1..<start + 2])
                device.complete(queuePair.number, sends: 2)
                device.completeReceive(queuePair.number, byteCount: 1)
                mapping.release()
            }
        }
    }

    @Test("makes as many mappings of one registration at a time as are asked for")
    func several() async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter)
            let buffer = try PageBuffer(count: 10)
            for _ in 0..<3 {
                let kept = KeptMappings()
                var bases: Set<UInt64> = []
                for _ in 0..<10 {
                    let mapping = try cache.buildLam(over: buffer)
                    #expect(bases.insert(mapping.baseAddress.rawValue).inserted)
                    kept.add(mapping)
                }
                kept.releaseAll()
            }
            #expect(device.callCount(.registerRegion) == 2)
            #expect(cache.statistics.hits == 29)
        }
    }

    @Test("keeps a buffer that nobody else has, until its registration goes")
    func keepsBuffer() async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter)
            var buffer: PageBuffer? = try PageBuffer(count: 10)
            weak let kept = buffer
            try cache.buildLam(over: buffer!).release()
            buffer = nil
            #expect(kept != nil)
            #expect(cache.trim() == fakePageSize)
            #expect(kept == nil)
        }
    }

    @Test("throws what the registration threw, leaves nothing, and goes on when there is room")
    func refusedRegistration() async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter)
            let buffer = try PageBuffer(count: 10)
            device.inject(EINVAL, into: .registerRegion, times: 2)
            for _ in 0..<2 {
                #expect(throws: MappingError.verbFailed(verb: "ibv_reg_mr_iova2", errno: EINVAL)) {
                    _ = try cache.buildLam(over: buffer)
                }
                #expect(cache.statistics.pinnedBytes == 0)
            }
            #expect(throws: MappingError.empty) {
                _ = try unsafe cache.buildLam(over: MemoryDescriptor(address: 4096, length: 0))
            }
            try cache.buildLam(over: buffer).release()
            #expect(cache.statistics.registrations == 1)
        }
    }

    @Test("[48] a window over one of its mappings lasts, whatever else is made of the registration")
    func window() async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter)
            let buffer = try PageBuffer(count: 100)
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let window = try adapter.createMemoryWindow()
            let mapping = try cache.buildLam(over: buffer)
            _ = try queuePair.bind(window, over: mapping, 8..<16, access: .read)
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.status) == [.success])
            mapping.release()
            for _ in 0..<10 {
                try cache.buildLam(over: buffer).release()
                #expect(cache.trim() == 0)
            }
            try queuePair.invalidate(window)
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.status) == [.success])
            #expect(eventually { cache.trim() == fakePageSize })
            _ = consume window
        }
    }
}
