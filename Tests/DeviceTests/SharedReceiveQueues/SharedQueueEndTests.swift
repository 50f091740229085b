import LAM
import TestSupport
import Testing

extension OnDevice {
    /// What outlives what. Trap T17.
    @Suite("The end of queue pairs and of their shared receive queue")
    struct SharedQueueEndTests {
        private static let page = DeviceMemory.pageSize

        @Test("[45] the failure and the close of a queue pair retire no receive; the close of the shared queue does")
        func end() throws {
            var pairs = try SharedPairs()
            let adapter = pairs.adapter
            var mapping = try adapter.buildLam(over: PageBuffer(count: Self.page))
            for context in 1...4 as ClosedRange<UInt64> {
                try pairs.shared.receive(into: mapping, 0..<2, context: context)
            }
            // Longer than its receive: both ends fail.
            try pairs.first.near.sendInline([1, 2, 3])
            #expect(try pairs.first.near.completions.next()[0].status != .success)
            let failed = try pairs.first.far.completions.next()[0]
            #expect(failed.context == 1 && failed.status != .success)
            #expect(failed.queuePairNumber == pairs.first.far.queuePair.number)
            #expect(pairs.first.far.completions.poll(for: .milliseconds(50)).isEmpty, "no other receive is flushed")
            mapping = try expectInUse(mapping, by: "3 uses by receives of shared receive queue 1")
            pairs.first.close()
            mapping = try expectInUse(mapping, by: "3 uses by receives of shared receive queue 1")
            // They serve the other queue pair.
            try pairs.second.send([7])
            #expect(try pairs.second.far.completions.next()[0].context == 2)
            pairs.second.close()
            mapping = try expectInUse(mapping, by: "2 uses by receives of shared receive queue 1")
            try pairs.shared.close()
            expectIdle(mapping)
            try adapter.close(waiting: .seconds(10))
        }

        @Test("[106] closing the shared queue waits for its queue pairs, and says which are left")
        func pending() throws {
            var pairs = try SharedPairs()
            let adapter = pairs.adapter
            let mapping = try adapter.buildLam(over: PageBuffer(count: Self.page))
            try pairs.shared.receive(into: mapping, 0..<8)
            let numbers = [pairs.first.far.queuePair.number, pairs.second.far.queuePair.number].sorted()
            #expect(adapter.survivors.sharedReceiveQueues == [1])
            do throws(AdapterError) {
                try pairs.shared.close(waiting: .milliseconds(20))
                Issue.record("it was closed")
            } catch {
                #expect(error == .queuePairsLeft(numbers: numbers))
            }
            // It still serves them.
            try pairs.first.send([1])
            #expect(try pairs.first.far.completions.next()[0].status == .success)
            pairs.first.close()
            #expect(adapter.survivors.sharedReceiveQueues == [1])
            pairs.second.close()
            #expect(adapter.survivors.sharedReceiveQueues == [])
            expectIdle(mapping)
            try adapter.close(waiting: .seconds(10))
        }

        @Test("everything that is dropped at once goes in the background, with receives posted and unpolled")
        func dropped() throws {
            let before = try DeviceOracle.now()
            do {
                var pairs = try SharedPairs()
                let mapping = try pairs.adapter.buildLam(over: PageBuffer(count: Self.page))
                for _ in 0..<4 { try pairs.shared.receive(into: mapping, 0..<8) }
                try pairs.first.send([1])
                try pairs.second.send([1])
            }
            #expect(try settled(to: before, within: .seconds(10)))
        }

        @Test("a message that is arriving while its queue pair is closed costs no receive (T17)", arguments: 0..<8)
        func closeUnderMessage(round: Int) throws {
            var pairs = try SharedPairs()
            let adapter = pairs.adapter
            let length = 1 << 20
            let source = try adapter.buildLam(over: PageBuffer(count: length))
            let sink = try adapter.buildLam(over: PageBuffer(count: length))
            try pairs.shared.receive(into: sink, 0..<length, context: 1)
            try pairs.first.near.queuePair.send(source, 0..<length)
            let pause = ContinuousClock.now + .microseconds(500 * round)
            while ContinuousClock.now < pause {}
            let results = results(of: pairs.first.far.closeQueuePair())
            if results.isEmpty {
                // Not taken: it is there for the other queue pair.
                try pairs.second.send([1])
                #expect(try pairs.second.far.completions.next()[0].context == 1)
            } else {
                #expect(results.map(\.context) == [1])
            }
            _ = pairs.first.near.closeQueuePair()
            pairs.second.close()
            #expect(sink.use.isEmpty)
            try pairs.shared.close()
            expectIdle(sink)
            expectIdle(source)
            try adapter.close(waiting: .seconds(10))
        }

        /// What is there; the completion queue goes.
        private func results(of completions: consuming Completions) -> [Completion] {
            completions.poll()
        }
    }
}
