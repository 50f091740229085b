import LAM
import TestSupport
import Testing

extension OnDevice {
    /// Mappings that are cut from registered slabs.
    @Suite("An arena")
    struct ArenaDeviceTests {
        private static let page = DeviceMemory.pageSize

        @Test(
            "[57] [58] its mappings are sources and sinks of every request, at any offset, and no byte beside them changes"
        )
        func transfers() throws {
            var pair = try Pair()
            let target = try pair.openTarget()
            let arena = try pair.adapter.createArena(ArenaOptions(budgetBytes: 1 << 20))
            let before = try arena.buildLam(length: Self.page)
            let mapping = try arena.buildLam(length: Self.page)
            let after = try arena.buildLam(length: Self.page)
            mapping.fill(with: 1)
            // Twice, because the first use of a mapping by a queue pair goes another way.
            for round in 0..<2 {
                try pair.near.queuePair.write(mapping, 0..<100, to: target.remote)
                try pair.near.queuePair.write([mapping.element(7..<11)].span, to: target.remote.advanced(by: 200))
                #expect(try pair.near.completions.next(2).allSatisfy { $0.status == .success })
                #expect(target.buffer.copyOut(0..<100) == (0..<100).map { UInt8($0) &* 3 &+ 1 })
                #expect(target.buffer.copyOut(200..<204) == (7..<11).map { UInt8($0) &* 3 &+ 1 })
                target.buffer.copyIn([9, 8, 7, UInt8(round)], at: 300)
                try pair.near.queuePair.read(into: mapping, 1000..<1004, from: target.remote.advanced(by: 300))
                try pair.far.queuePair.receive(into: mapping, 2000..<2100)
                try pair.near.queuePair.send(mapping, 1000..<1004)
                #expect(try pair.near.completions.next(2).allSatisfy { $0.status == .success })
                #expect(try pair.far.completions.next().map(\.byteCount) == [4])
                #expect(mapping.bytes(2000..<2004) == [9, 8, 7, UInt8(round)])
            }
            #expect(before.bytes(0..<Self.page).allSatisfy { $0 == 0 })
            #expect(after.bytes(0..<Self.page).allSatisfy { $0 == 0 })
            expectIdle(before)
            expectIdle(mapping)
            expectIdle(after)
            target.close()
            arena.close()
            try pair.close()
        }

        @Test(
            "[27] the kernel has one region for a slab, however many mappings are cut from it, and none when it is trimmed"
        )
        func regions() throws {
            let adapter = try Pair.openAdapter()
            let before = try DeviceOracle.now()
            let arena = try adapter.createArena(ArenaOptions(budgetBytes: 8 << 20, slabBytes: 2 << 20))
            #expect(try DeviceOracle.now() == before)
            for length in [512, 4096, 512, 70_000] {
                for _ in 0..<100 { try arena.buildLam(length: length).release() }
            }
            let during = try DeviceOracle.now()
            #expect(during.regionCount == before.regionCount + 3, "a slab for each size")
            #expect(during.pinnedKilobytes == before.pinnedKilobytes + 3 * 2048)
            #expect(during.lockedKilobytes == before.lockedKilobytes)
            #expect(arena.trim(toBytes: 2 << 20) == 4 << 20)
            #expect(arena.trim() == 2 << 20)
            #expect(try DeviceOracle.now() == before)
            try arena.buildLam(length: 1).release()
            arena.close()
            #expect(try settled(to: before, within: .seconds(1)))
            try adapter.close(waiting: .seconds(10))
        }

        @Test(
            "[35] [55] a mapping that is released under a receive gets the message, and nobody else gets its bytes before"
        )
        func releasedUnderReceive() throws {
            var pair = try Pair()
            let arena = try pair.adapter.createArena(ArenaOptions(budgetBytes: Self.page, slabBytes: Self.page))
            let mapping = try arena.buildLam(length: Self.page)
            let stale = mapping.element(0..<8)
            try pair.near.queuePair.receive(into: mapping, 0..<8)
            mapping.release()
            for _ in 0..<3 { #expect(throws: MappingError.self) { _ = try arena.buildLam(length: 1) } }
            try pair.far.sendInline([1, 2, 3])
            #expect(try pair.near.completions.next().map(\.byteCount) == [3])
            let next = try arena.buildLam(length: Self.page)
            #expect(next.bytes(0..<3) == [1, 2, 3], "the same memory, with what came")
            expectRefused(.unknownAddress(element: 0)) { () throws(PostError) in
                try pair.near.queuePair.send([stale].span)
            }
            expectIdle(next)
            arena.close()
            try pair.close()
        }

        @Test("[37] [39] a mapping that is released behind an unsignaled tail comes back by itself")
        func releasedBehindSilence() async throws {
            var pair = try Pair()
            let target = try pair.openTarget()
            let arena = try pair.adapter.createArena(ArenaOptions(budgetBytes: Self.page, slabBytes: Self.page))
            for round in 1...20 as ClosedRange<UInt8> {
                let mapping = try arena.buildLam(length: 8)
                mapping.fill(with: round)
                try pair.near.queuePair.write(mapping, 0..<8, to: target.remote, flags: .silentSuccess)
                await mapping.released()
                #expect(target.buffer.copyOut(0..<1) == [round])
            }
            target.close()
            arena.close()
            try pair.close()
        }

        @Test("[44] [47] what a failed queue pair held is free when its results are polled")
        func failedQueuePair() throws {
            var pair = try Pair()
            let arena = try pair.adapter.createArena(ArenaOptions(budgetBytes: Self.page, slabBytes: Self.page))
            let mapping = try arena.buildLam(length: 8)
            try pair.near.queuePair.write(mapping, 0..<8, to: RemoteMemory(address: 0x1000, key: 0xBAD))
            mapping.release()
            #expect(try pair.near.completions.next()[0].status == .remoteAccessError)
            expectIdle(try arena.buildLam(length: 8))
            arena.close()
            try pair.close()
        }

        @Test("[60] a window over one is refused where the device would open the whole slab to the peer")
        func window() throws {
            var pair = try Pair()
            let arena = try pair.adapter.createArena(ArenaOptions(budgetBytes: 1 << 20))
            let mapping = try arena.buildLam(length: 8)
            let window = try pair.adapter.createMemoryWindow()
            if pair.adapter.info.confinesWindows {
                _ = try pair.near.queuePair.bind(window, over: mapping, 0..<8, access: .read)
                #expect(try pair.near.completions.next()[0].status == .success)
            } else {
                expectRefused(.window(.notConfined)) { () throws(PostError) in
                    _ = try pair.near.queuePair.bind(window, over: mapping, 0..<8, access: .read)
                }
            }
            drop(window)
            mapping.release()
            arena.close()
            try pair.close()
        }

        @Test("[31] slabs are of huge pages while the pool has enough of them, and of others when it has not")
        func hugePages() throws {
            let reserved = try HugePageReserve(atLeast: 2)
            defer { reserved.giveBack() }
            let pool = try #require(HostLimits.current().hugePages)
            let adapter = try Pair.openAdapter()
            let arena = try adapter.createArena(
                ArenaOptions(budgetBytes: (pool.free + 1) * pool.pageBytes, slabBytes: pool.pageBytes))
            let kept = KeptMappings()
            for _ in 0...pool.free { kept.add(try arena.buildLam(length: pool.pageBytes)) }
            #expect(arena.statistics.slabs == pool.free + 1)
            #expect(arena.statistics.slabsOfPool == pool.free)
            kept.releaseAll()
            arena.close()
            try adapter.close(waiting: .seconds(10))
        }
    }
}

extension LogicalAddressMapping {
    /// Fills it with bytes that differ from place to place.
    borrowing func fill(with seed: UInt8) {
        withMutableBytes { bytes in
            for index in 0..<bytes.byteCount {
                bytes.storeBytes(of: UInt8(truncatingIfNeeded: index) &* 3 &+ seed, toByteOffset: index, as: UInt8.self)
            }
        }
    }

    /// Copies a part of its bytes out.
    borrowing func bytes(_ range: Range<Int>) -> [UInt8] {
        withBytes(in: range) { bytes in
            (0..<bytes.byteCount).map { unsafe bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
        }
    }
}
