import Glibc
import LAM
import Testing

extension OnDevice {
    /// What a request's completion says, and in which order. Rules 2.6 to 2.8.
    @Suite("A request")
    struct RequestTests {
        @Test("[84] that was posted completes once, unless its success is silent; one that was refused never")
        func onlyOnce() throws {
            var pair = try Pair()
            let target = try pair.openTarget()
            let mapping = try pair.map()
            var expected: [UInt64] = []
            var found: [UInt64] = []
            var numbers = SeededNumbers(seed: 84)
            for context in 0..<300 as Range<UInt64> {
                do throws(PostError) {
                    switch numbers.next() % 4 {
                    case 0: try pair.near.queuePair.write(mapping, 0..<8, to: target.remote, context: context)
                    case 1:
                        try pair.near.queuePair.write(
                            mapping, 0..<8, to: target.remote, context: context, flags: .silentSuccess)
                        continue
                    case 2: try pair.near.queuePair.read(into: mapping, 0..<8, from: target.remote, context: context)
                    default:
                        let element = ScatterGatherElement(address: mapping.baseAddress, length: 8, token: 0)
                        try pair.near.queuePair.send([element].span, context: context)
                    }
                    expected.append(context)
                } catch {
                    #expect([.wrongToken(element: 0), .queueFull(depth: 16)].contains(error))
                }
                found += pair.near.completions.poll().map(\.context)
            }
            found += try pair.near.completions.next(expected.count - found.count).map(\.context)
            #expect(found == expected)
            #expect(pair.near.completions.poll(for: .milliseconds(50)).isEmpty)
            target.close()
            mapping.release()
            try pair.close()
        }

        @Test("[85] that is no receive is refused before the connection, and does not complete after it either")
        func beforeConnection() throws {
            var pair = try Pair(isConnected: false)
            let mapping = try pair.map()
            let window = try pair.adapter.createMemoryWindow()
            let remote = RemoteMemory(address: 0, key: 0)
            expectRefused(.notConnected) { () throws(PostError) in try pair.near.queuePair.send(mapping, 0..<8) }
            expectRefused(.notConnected) { () throws(PostError) in try pair.near.sendInline([1]) }
            expectRefused(.notConnected) { () throws(PostError) in
                try pair.near.queuePair.write(mapping, 0..<8, to: remote, flags: .defer)
            }
            expectRefused(.notConnected) { () throws(PostError) in
                try pair.near.queuePair.read(into: mapping, 0..<8, from: remote)
            }
            expectRefused(.notConnected) { () throws(PostError) in
                _ = try pair.near.queuePair.bind(window, over: mapping, 0..<8, access: .read)
            }
            let inbox = try Inbox(of: pair.adapter)
            try pair.expectMessages(1, in: inbox)
            try pair.connect()
            try pair.near.queuePair.send(mapping, 0..<8, context: 85)
            #expect(try pair.near.completions.next().map(\.context) == [85])
            #expect(try pair.far.completions.next().map(\.status) == [.success])
            #expect(pair.near.completions.poll(for: .milliseconds(50)).isEmpty)
            drop(window)
            expectIdle(mapping)
            inbox.close()
            try pair.close()
        }

        @Test("[87] finds room as often as was asked for, though the device has more, and once more for each polled")
        func depth() throws {
            var pair = try Pair()
            let mapping = try pair.map()
            // Nobody receives them, so that they stay.
            for context in 0..<16 as Range<UInt64> { try pair.near.queuePair.send(mapping, 0..<8, context: context) }
            for flags in [RequestFlags.silentSuccess, .defer, .inline, []] {
                expectRefused(.queueFull(depth: 16)) { () throws(PostError) in
                    try pair.near.queuePair.send(mapping, 0..<8, flags: flags)
                }
            }
            let inbox = try Inbox(of: pair.adapter)
            try pair.expectMessages(16, in: inbox)
            #expect(try pair.near.completions.next(16).map(\.context) == Array(0..<16))
            try pair.near.queuePair.send(mapping, 0..<8, context: 16)
            pair.closeQueuePairs()
            expectIdle(mapping)
        }

        @Test("[88] [96] completes in the order of posting, as what it is, whatever was posted between")
        func order() throws {
            var pair = try Pair()
            let target = try pair.openTarget()
            let mapping = try pair.map()
            let inbox = try Inbox(of: pair.adapter)
            try pair.expectMessages(6, in: inbox)
            let window = try pair.adapter.createMemoryWindow()
            for round in 0..<3 as Range<UInt64> {
                let first = 10 * round
                try pair.near.queuePair.read(into: mapping, 0..<4096, from: target.remote, context: first)
                try pair.near.queuePair.write(mapping, 0..<4096, to: target.remote, flags: .silentSuccess)
                try pair.near.queuePair.send(mapping, 0..<8, context: first + 1)
                _ = try pair.near.queuePair.bind(window, over: mapping, 0..<8, access: .read, context: first + 2)
                try pair.near.queuePair.write(mapping, 0..<8, to: target.remote, context: first + 3)
                try pair.near.sendInline([1], context: first + 4)
                let results = try pair.near.completions.next(5)
                #expect(results.map(\.context) == Array(first..<first + 5))
                #expect(results.map(\.operation) == [.read, .send, .bind, .write, .send])
                #expect(results.allSatisfy { $0.status == .success && $0.vendorError == 0 })
                #expect(results.allSatisfy { $0.invalidatedKey == nil })
                try pair.near.queuePair.invalidate(window, context: 7)
                #expect(try pair.near.completions.next().map(\.operation) == [.invalidate])
            }
            let received = try pair.far.completions.next(6)
            #expect(received.map(\.context) == Array(0..<6))
            #expect(received.allSatisfy { $0.operation == .receive && $0.vendorError == 0 })
            drop(window)
            target.close()
            expectIdle(mapping)
            inbox.close()
            try pair.close()
        }

        @Test(
            "[89] [90] that fails says so though it was silent; everything later is cancelled or refused, and none is lost"
        )
        func failure() throws {
            var pair = try Pair()
            let mapping = try pair.map()
            var posted: [UInt64] = [0]
            let nowhere = RemoteMemory(address: 0, key: 0xDEAD_0000)
            try pair.near.queuePair.write(mapping, 0..<8, to: nowhere, context: 0, flags: .silentSuccess)
            var results: [Completion] = []
            // Also from after the failure on, until it is noticed.
            for context in 1..<1_000_000 as Range<UInt64> {
                do throws(PostError) {
                    try pair.near.queuePair.write(
                        mapping, 0..<8, to: nowhere, context: context, flags: context % 2 == 0 ? .silentSuccess : [])
                    posted.append(context)
                } catch {
                    if error == .ended { break }
                    results += pair.near.completions.poll()
                }
            }
            results += try pair.near.completions.next(posted.count - results.count)
            #expect(results.map(\.context) == posted)
            #expect([.remoteAccessError, .flushed].contains(results[0].status), "\(results[0])")
            #expect(results.dropFirst().allSatisfy { $0.status == .flushed })
            #expect(pair.near.completions.poll(for: .milliseconds(50)).isEmpty)
            expectIdle(mapping)
            try pair.close()
        }

        @Test("[91] that is fenced sends what the read before it brought")
        func fence() throws {
            var pair = try Pair()
            let count = 1 << 16
            let target = try pair.openTarget(count: 2 * count)
            let buffer = try PageBuffer(count: count)
            let mapping = try pair.adapter.buildLam(over: buffer)
            for round in 1...10 as ClosedRange<UInt8> {
                target.buffer.copyIn([UInt8](repeating: round, count: count))
                try pair.near.queuePair.read(into: mapping, 0..<count, from: target.remote, flags: .silentSuccess)
                try pair.near.queuePair.write(
                    mapping, 0..<count, to: target.remote.advanced(by: UInt64(count)), flags: .readFence)
                #expect(try pair.near.completions.next().map(\.status) == [.success])
                #expect(target.buffer.copyOut(count..<2 * count) == [UInt8](repeating: round, count: count))
            }
            target.close()
            expectIdle(mapping)
            try pair.close()
        }

        @Test("[92] that is deferred completes with the others of its list, also when one in the middle is refused")
        func deferred() throws {
            var pair = try Pair()
            let mapping = try pair.map()
            let inbox = try Inbox(of: pair.adapter)
            try pair.expectMessages(7, in: inbox)
            for context in 0..<3 as Range<UInt64> {
                try pair.near.queuePair.send(mapping, 0..<8, context: context, flags: .defer)
            }
            #expect(pair.far.completions.poll(for: .milliseconds(20)).isEmpty)
            try pair.near.queuePair.send(mapping, 0..<8, context: 3)
            #expect(try pair.near.completions.next(4).map(\.context) == [0, 1, 2, 3])
            for context in 4..<6 as Range<UInt64> {
                try pair.near.queuePair.send(mapping, 0..<8, context: context, flags: .defer)
            }
            let wrong = ScatterGatherElement(address: mapping.baseAddress, length: 8, token: 0)
            expectRefused(.wrongToken(element: 0)) { () throws(PostError) in
                try pair.near.queuePair.send([wrong].span, flags: .defer)
            }
            let results = try pair.near.completions.next(2)
            #expect(results.map(\.context) == [4, 5])
            #expect(results.allSatisfy { $0.status == .success })
            try pair.near.queuePair.send(mapping, 0..<8, context: 6)
            #expect(try pair.near.completions.next().map(\.context) == [6])
            #expect(try pair.far.completions.next(7).count == 7)
            expectIdle(mapping)
            inbox.close()
            try pair.close()
        }

        @Test("[94] that receives says how many bytes came", arguments: [0, 1, 63, 64, 4095, 4096, 100_000])
        func byteCount(count: Int) throws {
            var pair = try Pair()
            let mapping = try pair.map(count: 100_001)
            let inbox = try Inbox(of: pair.adapter, count: 100_001)
            try pair.far.queuePair.receive(into: inbox.mapping, 0..<100_001)
            try pair.near.queuePair.send(mapping, 0..<count)
            let received = try pair.far.completions.next()[0]
            #expect(received.status == .success)
            #expect(received.byteCount == UInt32(count))
            #expect(try pair.near.completions.next().map(\.status) == [.success])
            expectIdle(mapping)
            inbox.close()
            try pair.close()
        }

        @Test("[94] that receives too little fails on both sides")
        func tooSmall() throws {
            var pair = try Pair()
            let mapping = try pair.map()
            let inbox = try Inbox(of: pair.adapter)
            try pair.far.queuePair.receive(into: inbox.mapping, 0..<99)
            try pair.near.queuePair.send(mapping, 0..<100)
            let received = try pair.far.completions.next()[0]
            #expect([.localLengthError, .localQueuePairOperationError].contains(received.status), "\(received)")
            #expect(received.byteCount == 0)
            let sent = try pair.near.completions.next()[0]
            let causes: [CompletionStatus] = [.remoteInvalidRequest, .remoteOperationError, .flushed]
            #expect(causes.contains(sent.status), "\(sent)")
            expectIdle(mapping)
            inbox.close()
            try pair.close()
        }

        @Test("[95] may have no bytes, of whatever kind it is, and in whatever form")
        func empty() throws {
            var pair = try Pair()
            let target = try pair.openTarget()
            let mapping = try pair.map()
            let inbox = try Inbox(of: pair.adapter)
            let none: [ScatterGatherElement] = []
            try pair.far.queuePair.receive(into: none.span, context: 1)
            try pair.far.queuePair.receive(into: inbox.mapping, 8..<8, context: 2)
            try pair.near.queuePair.send(none.span, context: 1)
            try pair.near.queuePair.send(mapping, 8..<8, context: 2)
            try pair.near.queuePair.write(mapping, 8..<8, to: target.remote, context: 3)
            try pair.near.queuePair.read(into: mapping, 8..<8, from: target.remote, context: 4)
            let results = try pair.near.completions.next(4)
            #expect(results.map(\.context) == [1, 2, 3, 4])
            #expect(results.map(\.operation) == [.send, .send, .write, .read])
            #expect(results.allSatisfy { $0.status == .success })
            let received = try pair.far.completions.next(2)
            #expect(received.map(\.context) == [1, 2])
            #expect(received.allSatisfy { $0.status == .success && $0.byteCount == 0 })
            target.close()
            expectIdle(mapping)
            inbox.close()
            try pair.close()
        }
    }
}
