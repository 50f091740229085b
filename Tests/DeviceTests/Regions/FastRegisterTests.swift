import Glibc
import LAM
import TestSupport
import Testing

extension OnDevice {
    /// Pages of a mapping, opened to the peer by a request: at the mapping's own address by a window over it, at any other
    /// by a registration of its own below the window.
    @Suite("A fast registration")
    struct FastRegisterTests {
        private static let page = DeviceMemory.pageSize
        /// The mapping's own address, and one as a consumer would choose it at random.
        private static let bases: [UInt64?] = [nil, 0x7_2ab4_0000_0000]

        @Test("[72] [73] gives a token that a message posted next carries, and the right bytes move", arguments: bases)
        func roundTrip(base: UInt64?) throws {
            var pair = try Pair()
            let region = try Self.region(of: pair.adapter)
            let target = try PageBuffer(count: 3 * Self.page)
            target.copyIn([5, 6, 7], at: Self.page + 100)
            var mapping = try pair.adapter.buildLam(over: target)
            let message = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            try pair.near.queuePair.receive(into: message, 0..<16)
            let remote = try Self.register(region, mapping, at: base, on: &pair.far)
            // The message stands for the token: what it tells must be good when it arrives.
            try pair.far.sendInline([1])
            #expect(try pair.near.completions.next()[0].status == .success)
            let buffer = try PageBuffer(count: Self.page)
            buffer.copyIn([1, 2, 3, 4])
            let local = try pair.adapter.buildLam(over: buffer)
            try pair.near.queuePair.write(local, 0..<4, to: remote.advanced(by: UInt64(2 * Self.page - 2)))
            try pair.near.queuePair.read(into: local, 8..<11, from: remote.advanced(by: UInt64(Self.page + 100)))
            #expect(try pair.near.completions.next(2).map(\.status) == [.success, .success])
            #expect(target.copyOut(2 * Self.page - 3..<2 * Self.page + 3) == [0, 1, 2, 3, 4, 0])
            #expect(buffer.copyOut(8..<11) == [5, 6, 7])
            #expect(try pair.far.completions.next(2).map(\.operation) == [.fastRegister, .send])
            mapping = try expectInUse(mapping, by: "1 window")
            try pair.far.queuePair.invalidate(region)
            #expect(try pair.far.completions.next().map(\.operation) == [.invalidate])
            expectIdle(mapping)
            expectIdle(message)
            expectIdle(local)
            drop(region)
            try pair.close()
        }

        @Test("[73] lets a peer reach nothing beyond it, also within the mapping", arguments: bases, [-1, 0])
        func beyond(base: UInt64?, offset: Int) throws {
            var pair = try Pair()
            let region = try Self.region(of: pair.adapter)
            let target = try PageBuffer(count: 3 * Self.page)
            let mapping = try pair.adapter.buildLam(over: target)
            let first = base ?? mapping.pages[1].rawValue
            let opened = try pair.far.queuePair.fastRegister(
                region, pages: mapping.pages.dropFirst(), firstByteOffset: 64, length: 100, baseAddress: first + 64,
                access: [.remoteRead, .remoteWrite])
            let remote = try #require(opened)
            #expect(try pair.far.completions.next()[0].status == .success)
            let buffer = try PageBuffer(count: Self.page)
            buffer.copyIn([1, 2, 3])
            let local = try pair.adapter.buildLam(over: buffer)
            try pair.near.queuePair.write(local, 0..<3, to: remote.advanced(by: 97))
            #expect(try pair.near.completions.next()[0].status == .success)
            // Three bytes of which one is outside.
            let outside =
                offset < 0 ? RemoteMemory(address: remote.address - 1, key: remote.key) : remote.advanced(by: 98)
            try Self.expectNoAccess(&pair, local, outside)
            #expect(target.copyOut(Self.page + 160..<Self.page + 165) == [0, 1, 2, 3, 0])
            #expect(target.copyOut(Self.page + 63..<Self.page + 66) == [0, 0, 0])
            expectIdle(local)
            pair.closeQueuePairs()
            expectIdle(mapping)
            drop(region)
        }

        @Test("[74] for reading lets a peer read, and not write", arguments: bases)
        func readOnly(base: UInt64?) throws {
            var pair = try Pair()
            let region = try Self.region(of: pair.adapter)
            let target = try PageBuffer(count: Self.page)
            target.copyIn([5])
            let mapping = try pair.adapter.buildLam(over: target)
            let remote = try Self.register(region, mapping, at: base, access: .remoteRead, on: &pair.far)
            #expect(try pair.far.completions.next()[0].status == .success)
            let buffer = try PageBuffer(count: Self.page)
            let local = try pair.adapter.buildLam(over: buffer)
            try pair.near.queuePair.read(into: local, 0..<1, from: remote)
            #expect(try pair.near.completions.next()[0].status == .success)
            #expect(buffer.copyOut(0..<1) == [5])
            buffer.copyIn([6, 6, 6])
            try Self.expectNoAccess(&pair, local, remote)
            #expect(target.copyOut(0..<3) == [5, 0, 0])
            expectIdle(local)
            pair.closeQueuePairs()
            expectIdle(mapping)
            drop(region)
        }

        @Test("[75] that was invalidated is of no use, and the next one has another token", arguments: bases)
        func again(base: UInt64?) throws {
            var pair = try Pair()
            let region = try Self.region(of: pair.adapter)
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let local = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let pinned = try DeviceOracle.pinnedKilobytes()
            let first = try Self.register(region, mapping, at: base, on: &pair.far)
            try pair.far.queuePair.receive(into: local, 0..<1)
            _ = try pair.far.completions.next()
            try pair.far.queuePair.invalidate(region)
            #expect(try pair.far.completions.next()[0].status == .success)
            #expect(try DeviceOracle.pinnedKilobytes() == pinned, "what was registered for it is gone")
            let second = try Self.register(region, mapping, at: base, on: &pair.far)
            #expect(try pair.far.completions.next()[0].status == .success)
            #expect(second.key != first.key)
            #expect(second.address == first.address)
            try pair.near.queuePair.write(local, 0..<3, to: second)
            #expect(try pair.near.completions.next()[0].status == .success)
            try Self.expectNoAccess(&pair, local, first)
            pair.closeQueuePairs()
            expectIdle(local)
            expectIdle(mapping)
            drop(region)
        }

        @Test("is of no use on another queue pair, whatever the base", arguments: bases)
        func otherQueuePair(base: UInt64?) throws {
            var pair = try Pair()
            var other = try Pair(of: pair.adapter)
            let region = try Self.region(of: pair.adapter)
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let local = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let remote = try Self.register(region, mapping, at: base, on: &pair.far)
            #expect(try pair.far.completions.next()[0].status == .success)
            try Self.expectNoAccess(&other, local, remote)
            try pair.near.queuePair.write(local, 0..<3, to: remote)
            #expect(try pair.near.completions.next()[0].status == .success)
            other.closeQueuePairs()
            pair.closeQueuePairs()
            expectIdle(local)
            expectIdle(mapping)
            drop(region)
        }

        @Test("names its bytes in elements of this side, by its token and addresses within it", arguments: bases)
        func localToken(base: UInt64?) throws {
            var pair = try Pair()
            let region = try Self.region(of: pair.adapter)
            let target = try PageBuffer(count: 2 * Self.page)
            target.copyIn([1, 2, 3], at: 4000)
            let mapping = try pair.adapter.buildLam(over: target)
            _ = try Self.register(region, mapping, at: base, on: &pair.far)
            let source = region.element(4000..<4003)
            let sink = region.element(5000..<5003)
            try pair.near.queuePair.receive(into: CollectionOfOne(try #require(sink)).span)
            try pair.far.queuePair.send(CollectionOfOne(try #require(source)).span)
            #expect(try pair.near.completions.next()[0].byteCount == 3)
            #expect(try pair.far.completions.next(2).map(\.operation) == [.fastRegister, .send])
            #expect(target.copyOut(5000..<5003) == [1, 2, 3])
            try pair.far.queuePair.invalidate(region)
            _ = try pair.far.completions.next()
            expectIdle(mapping)
            drop(region)
            try pair.close()
        }

        @Test(
            "[48] [50] [51] whose queue pair is closed holds nothing, and can be registered on another",
            arguments: bases)
        func queuePairEnds(base: UInt64?) throws {
            var pair = try Pair()
            var other = try Pair(of: pair.adapter)
            let before = try DeviceOracle.now()
            let region = try Self.region(of: pair.adapter)
            var mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            _ = try Self.register(region, mapping, at: base, on: &pair.far)
            _ = try pair.far.completions.next()
            mapping = try expectInUse(mapping, by: "1 window")
            let clock = ContinuousClock()
            let start = clock.now
            pair.closeQueuePairs()
            #expect(start.duration(to: clock.now) < .seconds(1))
            let remote = try Self.register(region, mapping, at: base, on: &other.far)
            #expect(try other.far.completions.next()[0].status == .success)
            let local = try other.adapter.buildLam(over: PageBuffer(count: Self.page))
            try other.near.queuePair.write(local, 0..<3, to: remote)
            #expect(try other.near.completions.next()[0].status == .success)
            drop(region)
            expectIdle(mapping)
            expectIdle(local)
            #expect(try DeviceOracle.now() == before)
            other.closeQueuePairs()
        }

        // MARK: Steps

        /// A region for up to eight pages.
        static func region(of adapter: Adapter, remoteAccess: Bool = true) throws -> MemoryRegion {
            var region = try adapter.createMemoryRegion(.fastRegistered)
            try region.initializeFastRegister(pageCount: 8, remoteAccess: remoteAccess)
            return region
        }

        /// Registers a whole mapping, for a peer that may do something with it.
        static func register(
            _ region: borrowing MemoryRegion, _ mapping: borrowing LogicalAddressMapping, at base: UInt64?,
            access: RegionAccess = [.remoteRead, .remoteWrite], on end: inout Pair.End
        ) throws -> RemoteMemory {
            let base = base ?? mapping.baseAddress.rawValue
            let remote = try end.queuePair.fastRegister(
                region, pages: mapping.pages, firstByteOffset: mapping.firstByteOffset, length: mapping.length,
                baseAddress: base, access: access)
            #expect(remote?.address == base)
            let known = region.remoteMemory
            #expect(known == remote)
            return try #require(remote)
        }

        /// Expects that the peer's write of three bytes does not succeed. The near queue pair ends by that.
        static func expectNoAccess(
            _ pair: inout Pair, _ local: borrowing LogicalAddressMapping, _ remote: RemoteMemory,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            try pair.near.queuePair.write(local, 0..<3, to: remote)
            let status = try pair.near.completions.next()[0].status
            #expect([.remoteAccessError, .flushed].contains(status), "\(status)", sourceLocation: sourceLocation)
        }
    }
}

/// Ends the life of a region here, and not at the end of the test.
func drop(_ region: consuming MemoryRegion) {}
