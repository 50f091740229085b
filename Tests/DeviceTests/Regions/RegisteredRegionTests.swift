import LAM
import TestSupport
import Testing

extension OnDevice {
    /// Memory that is registered with its own addresses.
    @Suite("A registered memory region")
    struct RegisteredRegionTests {
        private static let page = DeviceMemory.pageSize

        @Test("serves requests of this side and of a peer, by its own addresses and tokens")
        func serves() throws {
            var pair = try Pair()
            let before = try DeviceOracle.now()
            let buffer = try PageBuffer(count: 2 * Self.page)
            buffer.copyIn([1, 2, 3], at: Self.page)
            var region = try pair.adapter.createMemoryRegion(.registered)
            try region.register(over: buffer, access: [.remoteRead, .remoteWrite])
            #expect(try DeviceOracle.pinnedKilobytes() == before.pinnedKilobytes + 2 * Self.page / 1024)
            let known = region.remoteMemory
            let remote = try #require(known)
            #expect(remote.address == UInt64(buffer.descriptor.address))
            let own = try PageBuffer(count: Self.page)
            own.copyIn([9, 8])
            let local = try pair.adapter.buildLam(over: own)
            try pair.near.queuePair.read(into: local, 100..<103, from: remote.advanced(by: UInt64(Self.page)))
            try pair.near.queuePair.write(local, 0..<2, to: remote.advanced(by: 10))
            #expect(try pair.near.completions.next(2).map(\.status) == [.success, .success])
            #expect(own.copyOut(100..<103) == [1, 2, 3])
            #expect(buffer.copyOut(10..<12) == [9, 8])
            let source = region.element(Self.page..<Self.page + 3)
            let sink = region.element(20..<23)
            try pair.near.queuePair.receive(into: CollectionOfOne(try #require(sink)).span)
            try pair.far.queuePair.send(CollectionOfOne(try #require(source)).span)
            #expect(try pair.near.completions.next()[0].byteCount == 3)
            #expect(throws: RegionError.self) { try region.deregister() }
            _ = try pair.far.completions.next()
            #expect(buffer.copyOut(20..<23) == [1, 2, 3])
            try region.deregister()
            expectIdle(local)
            #expect(try DeviceOracle.now() == before)
            drop(region)
            try pair.close()
        }

        @Test("[74] gives a peer no right that was not asked for", arguments: [RegionAccess.localWrite, .remoteRead])
        func rights(access: RegionAccess) throws {
            var pair = try Pair()
            let buffer = try PageBuffer(count: Self.page)
            var region = try pair.adapter.createMemoryRegion(.registered)
            try region.register(over: buffer, access: access)
            let remote = region.remoteMemory
            #expect((remote == nil) == (access == .localWrite))
            let own = try PageBuffer(count: Self.page)
            own.copyIn([1, 1, 1])
            let local = try pair.adapter.buildLam(over: own)
            try FastRegisterTests.expectNoAccess(
                &pair, local,
                remote ?? RemoteMemory(address: UInt64(buffer.descriptor.address), key: region.localToken))
            #expect(buffer.copyOut(0..<3) == [0, 0, 0])
            expectIdle(local)
            pair.closeQueuePairs()
            try region.deregister()
            drop(region)
        }

        @Test("[83] with a bound window is not deregistered, and stays valid")
        func underWindow() throws {
            var pair = try Pair()
            let buffer = try PageBuffer(count: Self.page)
            var region = try pair.adapter.createMemoryRegion(.registered)
            try region.register(over: buffer, access: .localWrite)
            let window = try pair.adapter.createMemoryWindow()
            let remote = try pair.far.queuePair.bind(window, over: region, 0..<Self.page, access: [.read, .write])
            #expect(remote.address == UInt64(buffer.descriptor.address))
            _ = try pair.far.completions.next()
            let before = try DeviceOracle.now()
            do throws(RegionError) {
                try region.deregister()
                Issue.record("it was deregistered under a window")
            } catch {
                guard case .inUse(let use) = error else { throw error }
                #expect(use.description == "1 window")
            }
            #expect(try DeviceOracle.now() == before)
            let own = try PageBuffer(count: Self.page)
            own.copyIn([4, 5])
            let local = try pair.adapter.buildLam(over: own)
            try pair.near.queuePair.write(local, 0..<2, to: remote)
            #expect(try pair.near.completions.next()[0].status == .success)
            #expect(buffer.copyOut(0..<2) == [4, 5])
            expectIdle(local)
            try pair.far.queuePair.invalidate(window)
            _ = try pair.far.completions.next()
            try region.deregister()
            drop(window)
            drop(region)
            try pair.close()
        }

        @Test("[79] [80] is bound by no window that asks for more than it has")
        func binds() throws {
            var pair = try Pair()
            var region = try pair.adapter.createMemoryRegion(.registered)
            try region.register(over: PageBuffer(count: Self.page), access: .remoteRead)
            let window = try pair.adapter.createMemoryWindow()
            let refusals: [(access: RemoteAccess, bytes: Range<Int>, error: PostError)] = [
                (.write, 0..<8, .window(.notWritable)), ([], 0..<8, .window(.noRights)),
                (.read, 8..<8, .window(.emptyRange)), (.read, 8..<Self.page + 1, .beyondMapping(element: 0)),
            ]
            for refusal in refusals {
                expectRefused(refusal.error) { () throws(PostError) in
                    _ = try pair.far.queuePair.bind(window, over: region, refusal.bytes, access: refusal.access)
                }
            }
            _ = try pair.far.queuePair.bind(window, over: region, 0..<8, access: .read)
            #expect(try pair.far.completions.next()[0].status == .success)
            drop(window)
            try region.deregister()
            drop(region)
            try pair.close()
        }
    }
}
