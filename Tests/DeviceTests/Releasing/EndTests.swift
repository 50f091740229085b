import LAM
import TestSupport
import Testing

extension OnDevice {
    /// What becomes of outstanding requests when a queue pair fails or is closed.
    @Suite("The end of a queue pair")
    struct EndTests {
        private static let page = DeviceMemory.pageSize

        @Test("[43] requests that are flushed complete once each, in order, and then hold nothing")
        func flush() throws {
            var pair = try Pair()
            var mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            for context in 1...4 as ClosedRange<UInt64> {
                try pair.near.queuePair.receive(into: mapping, 0..<1, context: 10 + context)
                try pair.near.queuePair.send(mapping, 0..<1, context: 20 + context)
            }
            // The peer has no receive, so that nothing completes but by the end of the queue pair.
            let number = pair.near.queuePair.number
            var completions = pair.near.closeQueuePair()
            let flushed = try completions.next(8)
            #expect(flushed.allSatisfy { $0.status == .flushed && $0.queuePairNumber == number })
            #expect(flushed.filter { $0.operation == .receive }.map(\.context) == [11, 12, 13, 14])
            #expect(flushed.filter { $0.operation == .send }.map(\.context) == [21, 22, 23, 24])
            #expect(completions.poll(for: .milliseconds(50)).isEmpty)
            expectIdle(mapping)
            mapping = try pair.adapter.buildLam(over: PageBuffer(count: 1))
            expectIdle(mapping)
            pair.far.queuePair.close()
        }

        @Test("[44] when close returns every mapping is releasable, polled or not, and the results are still there")
        func closeWithUnpolled() throws {
            var pair = try Pair()
            let done = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let outstanding = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let silent = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            try pair.near.queuePair.receive(into: done, 0..<8, context: 1)
            try pair.near.queuePair.receive(into: outstanding, 0..<8, context: 2)
            try pair.near.queuePair.send(outstanding, 0..<8, context: 3)
            try pair.near.queuePair.send(silent, 0..<8, context: 4, flags: .silentSuccess)
            try pair.far.sendInline([1, 2, 3])
            #expect(try pair.far.completions.next()[0].status == .success)
            var completions = pair.near.closeQueuePair()
            expectIdle(done)
            expectIdle(outstanding)
            expectIdle(silent)
            let results = try completions.next(4)
            #expect(results.filter { $0.status == .success }.map(\.context) == [1])
            #expect(results.filter { $0.status == .success }.map(\.byteCount) == [3])
            #expect(results.filter { $0.status == .flushed }.map(\.context).sorted() == [2, 3, 4])
            pair.far.queuePair.close()
        }

        @Test("[44] a queue pair that is dropped with work outstanding lets go of it in the background")
        func dropped() async throws {
            let adapter = try Pair.openAdapter()
            let before = try DeviceOracle.now()
            let mapping = try adapter.buildLam(over: PageBuffer(count: Self.page))
            try dropPair(of: adapter, receivingInto: mapping)
            await mapping.released()
            #expect(try DeviceOracle.now() == before)
            try adapter.close(waiting: .seconds(10))
        }

        private func dropPair(of adapter: Adapter, receivingInto mapping: borrowing LogicalAddressMapping) throws {
            var pair = try Pair(of: adapter)
            try pair.near.queuePair.receive(into: mapping, 0..<8)
            try pair.near.queuePair.send(mapping, 8..<16)
        }

        @Test("[47] a request that fails at the peer retires, and the later ones are flushed and retire")
        func remoteFailure() throws {
            var pair = try Pair()
            let failing = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let later = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            try pair.near.queuePair.receive(into: later, 0..<1, context: 1)
            // The first two wait for a receive of the peer, so that the others are posted before anything fails.
            try pair.near.sendInline([0], context: 2)
            let nowhere = RemoteMemory(address: 0x1000, key: 0x77)
            try pair.near.queuePair.write(failing, 0..<8, to: nowhere, context: 3)
            try pair.near.queuePair.write(later, 0..<8, to: nowhere, context: 4)
            try pair.near.queuePair.write(later, 0..<8, to: nowhere, context: 5, flags: .silentSuccess)
            let sink = try pair.adapter.buildLam(over: PageBuffer(count: 1))
            try pair.far.queuePair.receive(into: sink, 0..<1)
            let results = try pair.near.completions.next(5)
            let sends = results.filter { $0.operation != .receive }
            #expect(sends.map(\.context) == [2, 3, 4, 5])
            #expect(sends[0].status == .success)
            #expect([.remoteAccessError, .flushed].contains(sends[1].status), "\(sends[1])")
            #expect(sends[2...].allSatisfy { $0.status == .flushed })
            #expect(results.filter { $0.operation == .receive }.map(\.status) == [.flushed])
            expectIdle(failing)
            expectIdle(later)
            expectRefused(.ended) { () throws(PostError) in try pair.near.sendInline([1]) }
            _ = try pair.far.completions.next()
            expectIdle(sink)
            try pair.close()
        }

        @Test("[56] a completion queue cannot overflow: it grows with the queue pairs, and no result is lost")
        func noOverflow() throws {
            let capacity = QueuePairCapacity(sendDepth: 64, receiveDepth: 64, inlineBytes: 16)
            var pair = try Pair(capacity)
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            for context in 0..<64 as Range<UInt64> {
                try pair.near.queuePair.receive(into: mapping, 0..<1, context: context)
                try pair.far.queuePair.receive(into: mapping, 1..<2, context: context)
            }
            for context in 0..<64 as Range<UInt64> {
                try pair.near.sendInline([1], context: 100 + context)
                try pair.far.sendInline([2], context: 100 + context)
            }
            let all = Set(0..<64).union(100..<164)
            #expect(try Set(pair.near.completions.next(128).map { Int($0.context) }) == all)
            #expect(try Set(pair.far.completions.next(128).map { Int($0.context) }) == all)
            expectIdle(mapping)
            try pair.close()
        }

        @Test("a peer that is gone ends its partner's requests, and with them their hold on memory")
        func peerGone() async throws {
            var pair = try Pair(options: ConnectionOptions(retryCount: 1, timeout: 12))
            pair.far.queuePair.close()
            let before = try DeviceOracle.now()
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            try pair.near.queuePair.receive(into: mapping, 0..<8)
            try pair.near.queuePair.send(mapping, 0..<8)
            await mapping.released()
            #expect(try DeviceOracle.now() == before)
            let results = try pair.near.completions.next(2)
            #expect(results.allSatisfy { $0.status == .retriesExceeded || $0.status == .flushed }, "\(results)")
            pair.near.queuePair.close()
        }
    }
}
