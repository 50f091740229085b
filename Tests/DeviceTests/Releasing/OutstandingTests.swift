import LAM
import TestSupport
import Testing

extension OnDevice {
    /// A mapping is in use from the post of a request to the poll of its completion. Rule L16.
    ///
    /// A send is held up by a peer that has no receive yet. A refused release has the adapter help, so that each test
    /// tries one only at the last moment at which it must be refused: when the device is done, and nobody has polled.
    @Suite("A mapping with outstanding requests")
    struct OutstandingTests {
        private static let page = DeviceMemory.pageSize

        @Test("[35] a mapping with a posted receive is released only after the receive completed and was polled")
        func receive() throws {
            var pair = try Pair()
            var mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            try pair.near.queuePair.receive(into: mapping, 0..<10)
            let use = "1 request on the receive queue of queue pair \(pair.near.queuePair.number)"
            #expect(mapping.use.description == use)
            try pair.far.sendInline([1])
            #expect(try pair.far.completions.next()[0].status == .success)
            // The device is done with it, but nobody has polled that.
            mapping = try expectInUse(mapping, by: use)
            #expect(try pair.near.completions.next()[0].byteCount == 1)
            expectIdle(mapping)
            try pair.close()
        }

        @Test("[36] a mapping at any position of a send is released only after the send's completion was polled")
        func sendPositions() throws {
            var pair = try Pair()
            let first = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            var middle = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let last = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let elements = [first.element(0..<5), middle.element(1..<3), last.element(7..<8)]
            try pair.near.queuePair.send(elements.span)
            let use = "1 request on the send queue of queue pair \(pair.near.queuePair.number)"
            #expect(first.use.description == use)
            #expect(middle.use.description == use)
            #expect(last.use.description == use)
            let sink = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            try pair.far.queuePair.receive(into: sink, 0..<8)
            #expect(try pair.far.completions.next()[0].byteCount == 8)
            // One refusal helps all of them, so that there is time for one only before the help arrives.
            middle = try expectInUse(middle, by: use)
            #expect(try pair.near.completions.next()[0].status == .success)
            expectIdle(first)
            expectIdle(middle)
            expectIdle(last)
            expectIdle(sink)
            try pair.close()
        }

        @Test("[36] a mapping that is written or read is released only after the completion was polled")
        func writeAndRead() throws {
            var pair = try Pair()
            let target = try pair.openTarget()
            target.buffer.copyIn([5, 6, 7], at: 64)
            let source = try PageBuffer(count: Self.page)
            source.copyIn([1, 2, 3])
            let sink = try PageBuffer(count: Self.page)
            let written = try pair.adapter.buildLam(over: source)
            var read = try pair.adapter.buildLam(over: sink)
            try pair.near.queuePair.write(written, 0..<3, to: target.remote)
            try pair.near.queuePair.read(into: read, 0..<3, from: target.remote.advanced(by: 64))
            let number = pair.near.queuePair.number
            #expect(written.use.description == "1 request on the send queue of queue pair \(number)")
            read = try expectInUse(read, by: "2 requests on the send queue of queue pair \(number)")
            #expect(try pair.near.completions.next(2).map(\.operation) == [.write, .read])
            expectIdle(written)
            expectIdle(read)
            #expect(target.buffer.copyOut(0..<3) == [1, 2, 3])
            #expect(sink.copyOut(0..<3) == [5, 6, 7])
            target.close()
            try pair.close()
        }

        @Test("[37] a silent send holds its mapping until it is done, and success is seen nowhere")
        func silent() async throws {
            var pair = try Pair()
            var mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let sink = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            try pair.near.queuePair.send(mapping, 0..<4, flags: .silentSuccess)
            let use = "1 request on the send queue of queue pair \(pair.near.queuePair.number)"
            mapping = try expectInUse(mapping, by: use)
            try pair.far.queuePair.receive(into: sink, 0..<4)
            #expect(try pair.far.completions.next()[0].byteCount == 4)
            await mapping.released()
            #expect(pair.near.completions.poll(for: .milliseconds(50)).isEmpty)
            expectIdle(sink)
            try pair.close()
        }

        @Test("[38] 10,000 silent writes never block the queue, and leave no reference")
        func manySilentWrites() async throws {
            var pair = try Pair()
            let target = try pair.openTarget()
            let source = try PageBuffer(count: Self.page)
            source.copyIn([38])
            let mapping = try pair.adapter.buildLam(over: source)
            for index in 0..<10_000 {
                let place = target.remote.advanced(by: UInt64(index % 4096))
                try post(on: &pair) { (queuePair) throws(PostError) in
                    try queuePair.write(mapping, 0..<1, to: place, flags: .silentSuccess)
                }
            }
            await mapping.released()
            #expect(target.buffer.copyOut().allSatisfy { $0 == 38 })
            #expect(pair.near.completions.poll().isEmpty)
            target.close()
            try pair.close()
        }

        /// Posts, polling as long as the queue is full.
        private func post(
            on pair: inout Pair, _ body: (inout QueuePair) throws(PostError) -> Void
        ) throws {
            let end = ContinuousClock.now + .seconds(20)
            while true {
                do throws(PostError) { return try body(&pair.near.queuePair) } catch .queueFull(let depth) {
                    #expect(depth == Pair.capacity.sendDepth)
                    #expect(pair.near.completions.poll().isEmpty, "silent success is not seen")
                }
                guard ContinuousClock.now < end else { throw Completions.Missing(asked: 1, found: []) }
            }
        }

        @Test("[39] a deferred release completes once, after the last of several references")
        func lastReference() throws {
            let adapter = try Pair.openAdapter()
            var one = try Pair(of: adapter)
            var other = try Pair(of: adapter)
            let before = try DeviceOracle.now()
            let mapping = try adapter.buildLam(over: PageBuffer(count: 3 * Self.page))
            try one.near.queuePair.receive(into: mapping, 0..<1)
            try other.near.queuePair.receive(into: mapping, 1..<2)
            mapping.release()
            try one.far.sendInline([1])
            _ = try one.near.completions.next()
            #expect(try !settled(to: before, within: .milliseconds(200)), "the other receive is still posted")
            try other.far.sendInline([1])
            _ = try other.near.completions.next()
            #expect(try settled(to: before, within: .seconds(1)))
            #expect(adapter.statistics.deferredReleases == 1)
            #expect(adapter.statistics.releases == 1)
            one.closeQueuePairs()
            try other.close()
        }

        @Test("[40] an inline send takes no reference, though it is not carried out yet")
        func inline() throws {
            var pair = try Pair()
            let buffer = try PageBuffer(count: 64)
            buffer.copyIn([4, 0])
            let mapping = try pair.adapter.buildLam(over: buffer)
            try buffer.withBytes(in: 0..<2) { (bytes) throws(PostError) in
                try pair.near.queuePair.send(inline: bytes)
            }
            expectIdle(mapping)
            buffer.copyIn([0, 0])
            let sink = try PageBuffer(count: 64)
            let received = try pair.adapter.buildLam(over: sink)
            try pair.far.queuePair.receive(into: received, 0..<64)
            #expect(try pair.far.completions.next()[0].byteCount == 2)
            #expect(sink.copyOut(0..<2) == [4, 0], "the bytes are those at the time of the post")
            _ = try pair.near.completions.next()
            expectIdle(received)
            try pair.close()
        }
    }
}
