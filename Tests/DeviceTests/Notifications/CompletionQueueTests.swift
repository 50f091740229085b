import LAM
import TestSupport
import Testing

extension OnDevice {
    /// Depth and moderation of a completion queue, and its results as a sequence.
    @Suite("A completion queue")
    struct CompletionQueueTests {
        @Test("becomes deeper and less deep with results in it, none of which is lost")
        func resize() throws {
            var pair = try Pair()
            let adapter = pair.adapter
            let target = try pair.openTarget()
            let mapping = try pair.map()
            for context in 0..<6 as Range<UInt64> {
                try pair.near.queuePair.write(mapping, 0..<8, to: target.remote, context: context)
            }
            try pair.near.completions.queue.resize(depth: 500)
            #expect(pair.near.completions.queue.depth >= 500)
            for context in 6..<12 as Range<UInt64> {
                try pair.near.queuePair.write(mapping, 0..<8, to: target.remote, context: context)
            }
            // A silent one behind them, whose result the library keeps to itself.
            try pair.near.queuePair.write(mapping, 0..<8, to: target.remote, flags: .silentSuccess)
            #expect(try pair.near.completions.polled(12).map(\.context) == Array(0..<12))
            try pair.near.completions.queue.resize(depth: 1)
            #expect((33..<500).contains(pair.near.completions.queue.depth), "what may be outstanding, has room")
            for context in 0..<15 as Range<UInt64> { try pair.near.sendInline([1], context: context) }
            var completions = pair.near.closeQueuePair()
            #expect(completions.poll().map(\.context) == Array(0..<15))
            target.close()
            expectIdle(mapping)
            _ = pair.far.closeQueuePair()
            _ = consume completions
            try adapter.close(waiting: .seconds(10))
        }

        @Test("[105] of a device that does not moderate says so")
        func moderate() throws {
            let adapter = try Pair.openAdapter()
            do {
                let queue = try adapter.createCompletionQueue(depth: 16)
                do throws(AdapterError) {
                    try queue.moderate(count: 8, interval: .microseconds(50))
                    try queue.moderate(count: 0, interval: .zero)
                    Issue.record("rxe moderates by now; look whether it does what is asked")
                } catch {
                    #expect(error == .moderationNotSupported)
                }
            }
            try adapter.close(waiting: .seconds(10))
        }

        @Test("is iterated over: each result once, in order, and none lost by a cancelled iteration")
        func sequence() async throws {
            let adapter = try Pair.openAdapter()
            do {
                let sequence = try adapter.createCompletionQueue(depth: 64).completions()
                var far = try adapter.createQueuePair(completions: sequence.queue)
                var near = try Pair.End(of: adapter, Pair.capacity)
                try near.queuePair.connect(to: far.address)
                try far.connect(to: near.queuePair.address)
                let mapping = try adapter.buildLam(over: PageBuffer(count: 64))
                for context in 0..<100 as Range<UInt64> { try far.receive(into: mapping, 0..<64, context: context) }
                let found = SharedValue<[UInt64]>([])
                for round in 0..<10 {
                    let waiting = Task {
                        for try await completion in sequence { found.update { $0.append(completion.context) } }
                    }
                    for _ in 0..<10 {
                        try near.sendInline([1])
                        _ = try near.completions.polled()
                        if round % 2 == 0 { waiting.cancel() }
                    }
                    waiting.cancel()
                    try await waiting.value
                }
                while found.value.count < 100 {
                    for try await completion in sequence {
                        found.update { $0.append(completion.context) }
                        break
                    }
                }
                #expect(found.value == Array(0..<100))
                far.close()
                _ = near.closeQueuePair()
                expectIdle(mapping)
            }
            try adapter.close(waiting: .seconds(10))
        }
    }
}
