import Glibc
import LAM
import TestSupport
import Testing

extension OnDevice {
    /// Registrations that outlive their mappings.
    @Suite("A registration cache")
    struct CacheDeviceTests {
        private static let page = DeviceMemory.pageSize

        @Test("[27] the kernel has one region for a buffer, however often it is mapped, and none when it is trimmed")
        func regions() throws {
            let adapter = try Pair.openAdapter()
            let before = try DeviceOracle.now()
            let cache = try adapter.createCache(CacheOptions(limitBytes: 1 << 20, idleLimit: .seconds(600)))
            let buffer = try PageBuffer(count: 10 * Self.page)
            for _ in 0..<100 { try cache.buildLam(over: buffer).release() }
            let during = try DeviceOracle.now()
            #expect(during.regionCount == before.regionCount + 1)
            #expect(during.pinnedKilobytes == before.pinnedKilobytes + 10 * Self.page / 1024)
            #expect(during.lockedKilobytes == before.lockedKilobytes)
            #expect(cache.statistics.hits == 99)
            #expect(cache.trim() == 10 * Self.page)
            #expect(try DeviceOracle.now() == before)
            cache.close()
            try adapter.close(waiting: .seconds(10))
        }

        @Test(
            "[27] [45] what is cached and idle is unpinned without anybody doing anything, also when its buffer is gone"
        )
        func idle() throws {
            let adapter = try Pair.openAdapter()
            let before = try DeviceOracle.now()
            let cache = try adapter.createCache(CacheOptions(limitBytes: 1 << 20, idleLimit: .milliseconds(100)))
            let mapping = try cache.buildLam(over: try PageBuffer(count: Self.page))
            #expect(try DeviceOracle.now().regionCount == before.regionCount + 1)
            mapping.release()
            #expect(try settled(to: before, within: .seconds(5)))
            #expect(cache.statistics.evictions == 1)
            cache.close()
            try adapter.close(waiting: .seconds(10))
        }

        @Test("[57] its mappings are sources and sinks of every request, the first and the next ones")
        func transfers() throws {
            var pair = try Pair()
            let target = try pair.openTarget()
            let cache = try pair.adapter.createCache(CacheOptions(limitBytes: 1 << 20))
            let buffer = try PageBuffer(count: Self.page)
            for round in 1...5 as ClosedRange<UInt8> {
                let mapping = try cache.buildLam(over: buffer)
                mapping.fill(with: round)
                try pair.near.queuePair.write(mapping, 0..<100, to: target.remote)
                try pair.near.queuePair.write([mapping.element(7..<11)].span, to: target.remote.advanced(by: 200))
                #expect(try pair.near.completions.next(2).allSatisfy { $0.status == .success })
                #expect(target.buffer.copyOut(0..<100) == (0..<100).map { UInt8($0) &* 3 &+ round })
                #expect(target.buffer.copyOut(200..<204) == (7..<11).map { UInt8($0) &* 3 &+ round })
                target.buffer.copyIn([9, 8, 7, round], at: 300)
                try pair.near.queuePair.read(into: mapping, 1000..<1004, from: target.remote.advanced(by: 300))
                #expect(try pair.near.completions.next()[0].status == .success)
                #expect(mapping.bytes(1000..<1004) == [9, 8, 7, round])
                mapping.release()
            }
            #expect(cache.statistics.misses == 1)
            target.close()
            cache.close()
            try pair.close()
        }

        @Test("[35] [36] a registration stays while a released mapping's receive is posted, whatever asks for room")
        func releasedUnderReceive() throws {
            var pair = try Pair()
            let cache = try pair.adapter.createCache(CacheOptions(limitBytes: Self.page))
            let buffer = try PageBuffer(count: Self.page)
            let mapping = try cache.buildLam(over: buffer)
            try pair.near.queuePair.receive(into: mapping, 0..<8)
            mapping.release()
            #expect(cache.trim() == 0)
            #expect(!cache.forget(buffer.descriptor))
            try cache.buildLam(over: try PageBuffer(count: Self.page)).release()
            try pair.far.sendInline([1, 2, 3])
            #expect(try pair.near.completions.next().map(\.byteCount) == [3])
            #expect(buffer.copyOut(0..<3) == [1, 2, 3])
            cache.close()
            try pair.close()
        }

        @Test(
            "a stale registration has the device write to pages that nobody sees, and a forgotten one does not (T29)",
            arguments: [false, true])
        func stale(isForgotten: Bool) throws {
            var pair = try Pair()
            let cache = try pair.adapter.createCache(CacheOptions(limitBytes: 1 << 20))
            let memory = try DeviceMemory(pages: 1)
            memory.fill(seed: 1)
            try unsafe cache.buildLam(over: memory.descriptor()).release()
            if isForgotten { #expect(cache.forget(memory.descriptor())) }
            unsafe madvise(UnsafeMutableRawPointer(bitPattern: memory.address), Self.page, MADV_DONTNEED)
            #expect(memory[0] == 0)
            let mapping = try unsafe cache.buildLam(over: memory.descriptor())
            try pair.near.queuePair.receive(into: mapping, 0..<8)
            try pair.far.sendInline([1, 2, 3])
            let completion = try pair.near.completions.next()[0]
            #expect(completion.status == .success, "the device notices nothing")
            #expect(memory.bytes(0..<3) == (isForgotten ? [1, 2, 3] : [0, 0, 0]))
            mapping.release()
            cache.close()
            try pair.close()
        }
    }
}
