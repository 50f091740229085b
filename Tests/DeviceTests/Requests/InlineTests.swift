import LAM
import TestSupport
import Testing

extension OnDevice {
    /// Requests whose data is copied while they are posted. Rule 2.6.
    @Suite("An inline request")
    struct InlineTests {
        @Test("[63] [64] may have more elements than the queue pair allows, with any token; the data arrives in order")
        func elements() throws {
            var pair = try Pair()
            let target = try pair.openTarget()
            let buffer = try PageBuffer(count: 4096)
            buffer.copyIn((0..<200).map { UInt8($0) })
            let mapping = try pair.adapter.buildLam(over: buffer)
            let parts = [0..<5, 100..<120, 7..<8, 50..<50, 199..<200, 30..<60, 10..<17]
            let elements = parts.map { part in
                ScatterGatherElement(
                    address: mapping.baseAddress.advanced(by: part.lowerBound), length: UInt32(part.count), token: 0xBAD
                )
            }
            let expected = parts.flatMap { $0.map { UInt8($0) } }
            #expect(expected.count == 64)
            let inbox = try Inbox(of: pair.adapter)
            try pair.expectMessages(2, in: inbox)
            try pair.near.queuePair.send(elements.span, flags: .inline)
            // The memory is free again, whether or not the message has gone.
            buffer.copyIn([UInt8](repeating: 0xFF, count: 200))
            #expect(try pair.far.completions.next().map(\.byteCount) == [64])
            #expect(inbox.buffer.copyOut(0..<64) == expected)
            buffer.copyIn((0..<200).map { UInt8($0) })
            try pair.near.queuePair.write(elements.span, to: target.remote, flags: .inline)
            try pair.near.queuePair.send(mapping, 100..<164, flags: .inline)
            // [40]
            expectIdle(mapping)
            #expect(try pair.near.completions.next(3).map(\.operation) == [.send, .write, .send])
            #expect(target.buffer.copyOut(0..<64) == expected)
            _ = try pair.far.completions.next()
            #expect(inbox.buffer.copyOut(0..<64) == (100..<164).map { UInt8($0) })
            target.close()
            inbox.close()
            try pair.close()
        }

        @Test("[64] sends bytes of mappings that are cut from an arena, which other addresses have on the device")
        func arena() throws {
            var pair = try Pair()
            let arena = try pair.adapter.createArena(ArenaOptions(budgetBytes: 1 << 20))
            let first = try arena.buildLam(length: DeviceMemory.pageSize)
            let second = try arena.buildLam(length: DeviceMemory.pageSize)
            first.fill(with: 1)
            second.fill(with: 2)
            let inbox = try Inbox(of: pair.adapter)
            try pair.expectMessages(1, in: inbox)
            let elements = [second.element(100..<130), first.element(5..<10), second.element(0..<3)]
            try pair.near.queuePair.send(elements.span, flags: .inline)
            expectIdle(first)
            #expect(try pair.far.completions.next().map(\.byteCount) == [38])
            let expected = second.bytes(100..<130) + (5..<10).map { UInt8($0) &* 3 &+ 1 } + second.bytes(0..<3)
            #expect(inbox.buffer.copyOut(0..<38) == expected)
            expectIdle(second)
            _ = consume arena
            inbox.close()
            try pair.close()
        }
    }
}
