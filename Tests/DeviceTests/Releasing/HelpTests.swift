import LAM
import Synchronization
import TestSupport
import Testing

extension OnDevice {
    /// A release makes progress by itself, beside users who poll late and posters who know nothing of it.
    @Suite("The reaper")
    struct HelpTests {
        private static let page = DeviceMemory.pageSize

        @Test("polls when nobody does, and the user later finds every result, in order")
        func polls() async throws {
            var pair = try Pair()
            let before = try DeviceOracle.now()
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            for context in 0..<16 as Range<UInt64> {
                try pair.near.queuePair.receive(into: mapping, 0..<8, context: context)
            }
            for length in 1...16 { try pair.far.sendInline([UInt8](repeating: 1, count: length % 8 + 1)) }
            await mapping.released()
            #expect(try DeviceOracle.now() == before)
            #expect(try pair.far.completions.next(16).allSatisfy { $0.status == .success })
            // New results come behind those that the reaper has polled.
            let second = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            try pair.near.queuePair.receive(into: second, 0..<8, context: 16)
            try pair.far.sendInline([1])
            let results = try pair.near.completions.next(17)
            #expect(results.map(\.context) == Array(0...16))
            let lengths = (1...16).map { UInt32($0 % 8 + 1) }
            #expect(results.map(\.byteCount) == lengths + [1])
            #expect(pair.near.completions.poll(for: .milliseconds(50)).isEmpty)
            expectIdle(second)
            try pair.close()
        }

        @Test("wakes a user who waits for a result that it polled")
        func wakes() async throws {
            var pair = try Pair()
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            try pair.near.queuePair.receive(into: mapping, 0..<8, context: 1)
            mapping.release()
            let box = Box(pair.near)
            let waiting = Task.detached { try box.waitForOne() }
            try await Task.sleep(for: .milliseconds(100))
            try pair.far.sendInline([1])
            #expect(try await waiting.value == 1)
            pair.far.queuePair.close()
            box.close()
        }

        @Test("lets a queue be used by further posts while it waits for the earlier ones")
        func beside() async throws {
            var pair = try Pair()
            let target = try pair.openTarget()
            let buffer = try PageBuffer(count: Self.page)
            let kept = try pair.adapter.buildLam(over: buffer)
            for round in 0..<20 as Range<UInt8> {
                let passing = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
                try pair.near.queuePair.write(passing, 0..<1, to: target.remote, flags: .silentSuccess)
                passing.release()
                buffer.copyIn([round])
                let place = target.remote.advanced(by: UInt64(round))
                try pair.near.queuePair.write(kept, 0..<1, to: place, context: UInt64(round))
                #expect(try pair.near.completions.next().map(\.context) == [UInt64(round)])
            }
            #expect(target.buffer.copyOut(1..<20) == Array(1..<20))
            expectIdle(kept)
            target.close()
            try pair.close()
        }

        @Test("[39] two releases of the same memory are two mappings, each unpinned once")
        func twice() async throws {
            let adapter = try Pair.openAdapter()
            let buffer = try PageBuffer(count: Self.page)
            let first = try adapter.buildLam(over: buffer)
            let second = try adapter.buildLam(over: buffer)
            first.release()
            await second.released()
            try adapter.close(waiting: .seconds(10))
            #expect(adapter.statistics.releases == 2)
            #expect(adapter.statistics.pinnedBytes == 0)
        }
    }
}

/// One end in a place that another thread can reach.
private final class Box: Sendable {
    private let end: Mutex<Pair.End?>

    init(_ end: consuming sending Pair.End) {
        self.end = Mutex(end)
    }

    func waitForOne() throws -> UInt64 {
        try end.withLock { try $0!.completions.next()[0].context }
    }

    func close() {
        end.withLock { end in
            if let end = end.take() { end.queuePair.close() }
        }
    }
}
