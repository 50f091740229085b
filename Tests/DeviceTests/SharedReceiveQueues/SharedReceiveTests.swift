import LAM
import TestSupport
import Testing

extension OnDevice {
    /// Receives of a shared queue on their way.
    @Suite("A shared receive queue")
    struct SharedReceiveTests {
        private static let page = DeviceMemory.pageSize

        @Test("[46] receives that are polled out of order retire what is theirs, and the data is where it belongs")
        func anyOrder() throws {
            var pairs = try SharedPairs()
            let buffers = try (0..<3).map { _ in try PageBuffer(count: Self.page) }
            var oldest = try pairs.adapter.buildLam(over: buffers[0])
            let middle = try pairs.adapter.buildLam(over: buffers[1])
            var newest = try pairs.adapter.buildLam(over: buffers[2])
            try pairs.shared.receive(into: oldest, 0..<8, context: 1)
            try pairs.shared.receive(into: middle, 8..<16, context: 2)
            try pairs.shared.receive(into: newest, 0..<8, context: 3)
            try pairs.first.send([1])
            try pairs.second.send([2, 2])
            // The first receive is done, too, but nobody has polled that.
            let result = try pairs.second.far.completions.next()[0]
            #expect(result.context == 2)
            #expect(result.queuePairNumber == pairs.second.far.queuePair.number)
            #expect(result.byteCount == 2)
            #expect(result.operation == .receive)
            expectIdle(middle)
            #expect(buffers[1].copyOut(8..<10) == [2, 2])
            oldest = try expectInUse(oldest, by: "1 use by receives of shared receive queue 1")
            let first = try pairs.first.far.completions.next()[0]
            #expect(first.context == 1)
            #expect(first.queuePairNumber == pairs.first.far.queuePair.number)
            expectIdle(oldest)
            #expect(buffers[0].copyOut(0..<1) == [1])
            newest = try expectInUse(newest, by: "1 use by receives of shared receive queue 1")
            try pairs.second.send([3])
            #expect(try pairs.second.far.completions.next()[0].context == 3)
            expectIdle(newest)
            try pairs.close().close(waiting: .seconds(10))
        }

        @Test("[87] as many receives are taken as asked for, and one more when one was polled")
        func depth() throws {
            var pairs = try SharedPairs(depth: 5)
            let mapping = try pairs.adapter.buildLam(over: PageBuffer(count: Self.page))
            for _ in 0..<5 { try pairs.shared.receive(into: mapping, 0..<8) }
            #expect(throws: PostError.queueFull(depth: 5)) { try pairs.shared.receive(into: mapping, 0..<8) }
            try pairs.first.send([1])
            _ = try pairs.first.far.completions.next()
            try pairs.shared.receive(into: mapping, 0..<8)
            let adapter = try pairs.close()
            expectIdle(mapping)
            try adapter.close(waiting: .seconds(10))
        }

        @Test("[104] it becomes deeper and less deep with receives in it, none of which is lost")
        func resize() throws {
            var pairs = try SharedPairs(depth: 4)
            let mapping = try pairs.adapter.buildLam(over: PageBuffer(count: Self.page))
            for context in 0..<4 as Range<UInt64> {
                try pairs.shared.receive(into: mapping, 0..<8, context: context)
            }
            try pairs.shared.modify(depth: 100)
            for context in 4..<100 as Range<UInt64> {
                try pairs.shared.receive(into: mapping, 0..<8, context: context)
            }
            #expect(throws: PostError.queueFull(depth: 100)) { try pairs.shared.receive(into: mapping, 0..<8) }
            for expected in 0..<97 as Range<UInt64> {
                try pairs.first.send([1])
                #expect(try pairs.first.far.completions.next()[0].context == expected)
            }
            try pairs.shared.modify(depth: 3)
            #expect(throws: PostError.queueFull(depth: 3)) { try pairs.shared.receive(into: mapping, 0..<8) }
            for expected in 97..<100 as Range<UInt64> {
                try pairs.second.send([1])
                #expect(try pairs.second.far.completions.next()[0].context == expected)
            }
            let adapter = try pairs.close()
            expectIdle(mapping)
            try adapter.close(waiting: .seconds(10))
        }

        @Test("a peer waits while there is no receive, and goes on with the next one")
        func empty() throws {
            var pairs = try SharedPairs()
            let mapping = try pairs.adapter.buildLam(over: PageBuffer(count: Self.page))
            try pairs.first.near.sendInline([1])
            #expect(pairs.first.near.completions.poll(for: .milliseconds(20)).isEmpty)
            try pairs.shared.receive(into: mapping, 0..<8)
            #expect(try pairs.first.near.completions.next()[0].status == .success)
            #expect(try pairs.first.far.completions.next()[0].status == .success)
            let adapter = try pairs.close()
            expectIdle(mapping)
            try adapter.close(waiting: .seconds(10))
        }

        @Test("[55] [39] posts, messages for two queue pairs, polls and releases at the same time leave nothing behind")
        func busy() async throws {
            var pairs = try SharedPairs(depth: 8)
            let before = pairs.adapter.statistics.releases
            for round in 0..<200 as Range<UInt64> {
                for half in 0..<2 as Range<UInt64> {
                    let mapping = try pairs.adapter.buildLam(over: PageBuffer(count: Self.page))
                    try pairs.shared.receive(into: mapping, 0..<8, context: 2 * round + half)
                    mapping.release()
                }
                try pairs.first.near.sendInline([1])
                try pairs.second.near.sendInline([2])
                _ = try pairs.first.near.completions.next()
                _ = try pairs.second.near.completions.next()
                // Now and then nobody polls, and the adapter helps itself.
                guard round % 3 == 0 else { continue }
                _ = pairs.first.far.completions.poll()
                _ = pairs.second.far.completions.poll()
            }
            let adapter = pairs.adapter
            let end = ContinuousClock.now + .seconds(10)
            while adapter.statistics.releases < before + 400, ContinuousClock.now < end {}
            #expect(adapter.statistics.releases == before + 400)
            try pairs.close().close(waiting: .seconds(10))
        }
    }
}
