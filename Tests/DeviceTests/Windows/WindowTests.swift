import LAM
import TestSupport
import Testing

extension OnDevice {
    /// A peer's access: given by a bind, ended by an invalidation or by the end of window or queue pair.
    ///
    /// An invalidation of a window that is not bound brings an rxe machine down (T1): the tests of it see the library
    /// refuse, before anything is posted.
    @Suite("A window")
    struct WindowTests {
        private static let page = DeviceMemory.pageSize

        @Test("[48] over a mapping holds it until its invalidation has completed; the peer's access ends with it")
        func holds() throws {
            var pair = try Pair()
            let opened = try PageBuffer(count: Self.page)
            opened.copyIn([9, 8], at: 100)
            var mapping = try pair.adapter.buildLam(over: opened)
            let window = try pair.adapter.createMemoryWindow()
            let remote = try pair.far.queuePair.bind(window, over: mapping, 0..<Self.page, access: [.read, .write])
            #expect(window.remoteMemory == remote)
            // A message posted behind the bind may tell the peer, so that the window holds from the post on.
            #expect(mapping.use.description == "1 window")
            #expect(try pair.far.completions.next().map(\.operation) == [.bind])
            let buffer = try PageBuffer(count: Self.page)
            buffer.copyIn([1, 2, 3])
            let local = try pair.adapter.buildLam(over: buffer)
            try pair.near.queuePair.write(local, 0..<3, to: remote.advanced(by: 10))
            try pair.near.queuePair.read(into: local, 8..<10, from: remote.advanced(by: 100))
            #expect(try pair.near.completions.next(2).allSatisfy { $0.status == .success })
            #expect(opened.copyOut(10..<13) == [1, 2, 3])
            #expect(buffer.copyOut(8..<10) == [9, 8])
            #expect(mapping.use.description == "1 window")
            try pair.far.queuePair.invalidate(window, context: 7)
            // Until somebody polls; the refusal has the adapter do so.
            mapping = try expectInUse(mapping, by: "1 window")
            #expect(try pair.far.completions.next().map(\.operation) == [.invalidate])
            #expect(window.remoteMemory == nil)
            try expectNoAccess(&pair, local, remote)
            #expect(opened.copyOut(0..<3) == [0, 0, 0], "the refused write changed nothing")
            expectIdle(local)
            expectIdle(mapping)
            drop(window)
            try pair.close()
        }

        @Test("that was invalidated can be bound again, under another key")
        func rebind() throws {
            var pair = try Pair()
            let target = try pair.openTarget()
            try pair.far.queuePair.invalidate(target.window)
            _ = try pair.far.completions.next()
            let again = try pair.far.queuePair.bind(target.window, over: target.mapping, 0..<64, access: .write)
            #expect(try pair.far.completions.next()[0].status == .success)
            #expect(again.key != target.remote.key)
            let local = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            try pair.near.queuePair.write(local, 0..<8, to: again)
            #expect(try pair.near.completions.next()[0].status == .success)
            try expectNoAccess(&pair, local, target.remote)
            expectIdle(local)
            target.close()
            try pair.close()
        }

        @Test("that only allows reading lets nothing be written")
        func readOnly() throws {
            var pair = try Pair()
            let target = try pair.openTarget(access: .read)
            target.buffer.copyIn([5])
            let buffer = try PageBuffer(count: Self.page)
            let local = try pair.adapter.buildLam(over: buffer)
            try pair.near.queuePair.read(into: local, 0..<1, from: target.remote)
            #expect(try pair.near.completions.next()[0].status == .success)
            #expect(buffer.copyOut(0..<1) == [5])
            buffer.copyIn([6])
            try expectNoAccess(&pair, local, target.remote)
            #expect(target.buffer.copyOut(0..<1) == [5])
            expectIdle(local)
            target.close()
            try pair.close()
        }

        @Test("that is dropped while bound ends the peer's access and lets go of the mapping at once")
        func dropped() throws {
            var pair = try Pair()
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let remote = try bindAndDrop(&pair, mapping)
            expectIdle(mapping)
            let local = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            try expectNoAccess(&pair, local, remote)
            expectIdle(local)
            try pair.close()
        }

        private func bindAndDrop(
            _ pair: inout Pair, _ mapping: borrowing LogicalAddressMapping
        ) throws -> RemoteMemory {
            let window = try pair.adapter.createMemoryWindow()
            let remote = try pair.far.queuePair.bind(window, over: mapping, 0..<8, access: [.read, .write])
            #expect(try pair.far.completions.next()[0].status == .success)
            return remote
        }

        @Test("whose bind has not completed is dropped all the same, and the mapping goes when the bind is over")
        func droppedWhileBinding() async throws {
            var pair = try Pair()
            let before = try DeviceOracle.now()
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            do {
                let window = try pair.adapter.createMemoryWindow()
                _ = try pair.far.queuePair.bind(window, over: mapping, 0..<8, access: .read)
            }
            await mapping.released()
            #expect(try DeviceOracle.now() == before)
            try pair.close()
        }

        @Test("over a mapping that is released goes on working, and holds the memory until it is invalidated")
        func outlivesItsMapping() async throws {
            var pair = try Pair()
            let before = try DeviceOracle.now()
            let buffer = try PageBuffer(count: 7 * Self.page)
            let mapping = try pair.adapter.buildLam(over: buffer)
            let window = try pair.adapter.createMemoryWindow()
            let remote = try pair.far.queuePair.bind(window, over: mapping, 0..<8, access: .write)
            _ = try pair.far.completions.next()
            mapping.release()
            #expect(try !settled(to: before, within: .milliseconds(200)))
            let local = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            try pair.near.queuePair.write(local, 0..<8, to: remote)
            #expect(try pair.near.completions.next()[0].status == .success)
            expectIdle(local)
            try pair.far.queuePair.invalidate(window)
            _ = try pair.far.completions.next()
            #expect(try settled(to: before, within: .seconds(1)))
            drop(window)
            try pair.close()
        }

        /// Expects that the peer's write does not succeed. The near queue pair ends by that.
        private func expectNoAccess(
            _ pair: inout Pair, _ local: borrowing LogicalAddressMapping, _ remote: RemoteMemory,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            try pair.near.queuePair.write(local, 0..<8, to: remote)
            let status = try pair.near.completions.next()[0].status
            #expect([.remoteAccessError, .flushed].contains(status), "\(status)", sourceLocation: sourceLocation)
        }
    }
}
