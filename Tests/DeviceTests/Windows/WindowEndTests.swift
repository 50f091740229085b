import Glibc
import LAM
import TestSupport
import Testing

extension OnDevice {
    /// The end of a queue pair on which a window is bound: rxe would hang for most of a minute (T2).
    @Suite("A queue pair with a bound window")
    struct WindowEndTests {
        private static let page = DeviceMemory.pageSize

        @Test("[50] closes in less than a second without a kernel warning; mapping and window are free again")
        func close() throws {
            var pair = try Pair()
            let warnings = try KernelLog.warnings()
            let target = try pair.openTarget()
            let clock = ContinuousClock()
            let start = clock.now
            pair.far.queuePair.close()
            #expect(start.duration(to: clock.now) < .seconds(1))
            #expect(try KernelLog.warnings() == warnings)
            pair.near.queuePair.close()
            #expect(target.window.remoteMemory == nil)
            try expectBindable(target.window, over: target.mapping, on: pair.adapter)
            expectIdle(target.mapping)
        }

        /// Expects that the window can be bound on another queue pair, and that the peer can use it.
        private func expectBindable(
            _ window: borrowing MemoryWindow, over mapping: borrowing LogicalAddressMapping, on adapter: Adapter
        ) throws {
            var other = try Pair(of: adapter)
            let remote = try other.far.queuePair.bind(window, over: mapping, 0..<8, access: .write)
            #expect(try other.far.completions.next()[0].status == .success)
            let local = try adapter.buildLam(over: PageBuffer(count: Self.page))
            try other.near.queuePair.write(local, 0..<8, to: remote)
            #expect(try other.near.completions.next()[0].status == .success)
            other.closeQueuePairs()
            expectIdle(local)
        }

        @Test("[50] closes in less than a second also with the bind or the invalidation still outstanding")
        func closeWhileBinding() throws {
            var pair = try Pair()
            let warnings = try KernelLog.warnings()
            let target = try pair.openTarget()
            let window = try pair.adapter.createMemoryWindow()
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            // Both are held up by a send for which there is no receive.
            try pair.far.sendInline([1])
            _ = try pair.far.queuePair.bind(window, over: mapping, 0..<8, access: .write)
            try pair.far.queuePair.invalidate(target.window)
            let clock = ContinuousClock()
            let start = clock.now
            pair.far.queuePair.close()
            #expect(start.duration(to: clock.now) < .seconds(1))
            #expect(try KernelLog.warnings() == warnings)
            expectIdle(mapping)
            expectIdle(target.mapping)
            pair.near.queuePair.close()
        }

        @Test("[51] a mapping whose window still exists, but whose queue pair is gone, is released")
        func queuePairGone() async throws {
            var pair = try Pair()
            let before = try DeviceOracle.now()
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let window = try pair.adapter.createMemoryWindow()
            _ = try pair.far.queuePair.bind(window, over: mapping, 0..<8, access: .read)
            _ = try pair.far.completions.next()
            pair.far.queuePair.close()
            await mapping.released()
            #expect(try DeviceOracle.now() == before)
            pair.near.queuePair.close()
            #expect(window.remoteMemory == nil)
        }

        @Test("[51] a failed queue pair lets go of its windows though nobody closes it")
        func queuePairFailed() async throws {
            var pair = try Pair()
            let target = try pair.openTarget()
            let local = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            try pair.far.queuePair.write(local, 0..<8, to: RemoteMemory(address: 0, key: 0x77))
            #expect(try pair.far.completions.next()[0].status != .success)
            expectIdle(local)
            let end = ContinuousClock.now + .seconds(2)
            while !target.mapping.use.isEmpty, ContinuousClock.now < end { usleep(1000) }
            expectIdle(target.mapping)
            pair.closeQueuePairs()
        }
    }
}

/// What the kernel has said.
private enum KernelLog {
    /// How many lines tell of something that must not happen.
    static func warnings() throws -> Int {
        let lines = try DeviceProcess.output(of: "dmesg", []).split(separator: "\n")
        return lines.count { line in ["WARNING", "BUG:", "Call Trace", "Oops"].contains { line.contains($0) } }
    }
}
