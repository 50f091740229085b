import LAM
import TestSupport
import Testing

extension OnDevice {
    /// A post that throws was not posted: it holds nothing, and nothing of it completes.
    @Suite("A refused post")
    struct RefusedPostTests {
        private static let page = DeviceMemory.pageSize

        @Test("[41] with too many elements, a wrong token, or a bad element behind good ones takes no reference")
        func badElements() throws {
            var pair = try Pair()
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let good = mapping.element(0..<8)
            var wrong = good
            wrong.token ^= 1
            var beyond = good
            beyond.length = UInt32(Self.page + 1)
            let five = [good, good, good, good, good]
            expectRefused(.tooManyElements(count: 5, limit: 4)) { () throws(PostError) in
                try pair.near.queuePair.send(five.span)
            }
            expectRefused(.tooManyElements(count: 5, limit: 4)) { () throws(PostError) in
                try pair.near.queuePair.receive(into: five.span)
            }
            expectRefused(.wrongToken(element: 1)) { () throws(PostError) in
                try pair.near.queuePair.send([good, wrong].span)
            }
            expectRefused(.beyondMapping(element: 2)) { () throws(PostError) in
                try pair.near.queuePair.receive(into: [good, good, beyond].span)
            }
            expectIdle(mapping)
            #expect(pair.near.completions.poll(for: .milliseconds(50)).isEmpty)
            try pair.close()
        }

        @Test("[41] on a queue pair that is not connected takes no reference, and nothing of it appears later")
        func notConnected() throws {
            var pair = try Pair(isConnected: false)
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let nowhere = RemoteMemory(address: 0, key: 1)
            expectRefused(.notConnected) { () throws(PostError) in try pair.near.queuePair.send(mapping, 0..<1) }
            expectRefused(.notConnected) { () throws(PostError) in
                try pair.near.queuePair.write(mapping, 0..<1, to: nowhere)
            }
            expectRefused(.notConnected) { () throws(PostError) in
                try pair.near.queuePair.read(into: mapping, 0..<1, from: nowhere)
            }
            expectIdle(mapping)
            try pair.connect()
            #expect(pair.near.completions.poll(for: .milliseconds(100)).isEmpty)
            try pair.close()
        }

        @Test("[41] on a full queue takes no reference, and the queue has exactly the depth that was asked for")
        func queueFull() throws {
            var pair = try Pair()
            let held = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let refused = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            for _ in 0..<16 {
                try pair.near.queuePair.send(held, 0..<1)
                try pair.near.queuePair.receive(into: held, 0..<1)
            }
            expectRefused(.queueFull(depth: 16)) { () throws(PostError) in
                try pair.near.queuePair.send(refused, 0..<1)
            }
            expectRefused(.queueFull(depth: 16)) { () throws(PostError) in
                try pair.near.queuePair.receive(into: refused, 0..<1)
            }
            expectIdle(refused)
            var completions = pair.near.closeQueuePair()
            #expect(try completions.next(32).allSatisfy { $0.status == .flushed })
            expectIdle(held)
            pair.far.queuePair.close()
        }

        @Test("[42] of deferred posts, those before a refused one are handed over and hold their mappings")
        func deferred() throws {
            // What the device refuses in the middle of a list (`bad_wr`) is tested on the device in memory: the
            // library checks everything that rxe would refuse.
            var pair = try Pair()
            var first = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            var second = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let third = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            try pair.near.queuePair.send(first, 0..<1, context: 1, flags: .defer)
            try pair.near.queuePair.send(second, 0..<1, context: 2, flags: .defer)
            var beyond = third.element
            beyond.length += 1
            expectRefused(.beyondMapping(element: 1)) { () throws(PostError) in
                try pair.near.queuePair.send([third.element, beyond].span, context: 3)
            }
            let number = pair.near.queuePair.number
            first = try expectInUse(first, by: "1 request on the send queue of queue pair \(number)")
            second = try expectInUse(second, by: "2 requests on the send queue of queue pair \(number)")
            expectIdle(third)
            let sink = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            try pair.far.queuePair.receive(into: sink, 0..<1)
            try pair.far.queuePair.receive(into: sink, 0..<1)
            #expect(try pair.near.completions.next(2).map(\.context) == [1, 2])
            #expect(pair.near.completions.poll(for: .milliseconds(50)).isEmpty)
            expectIdle(first)
            expectIdle(second)
            _ = try pair.far.completions.next(2)
            expectIdle(sink)
            try pair.close()
        }
    }
}
