import LAM
import TestSupport
import Testing

extension OnDevice {
    /// The privileged token and the addresses that go with it. Section 2.2.
    ///
    /// An adapter of the Swift interface has one token; that of another protection domain ([62]) is that of another
    /// adapter.
    @Suite("The privileged token")
    struct TokenTests {
        private static let page = DeviceMemory.pageSize

        @Test("[57] serves sends, receives, write sources and read sinks")
        func allOperations() throws {
            var pair = try Pair()
            let target = try pair.openTarget()
            let source = try PageBuffer(count: Self.page)
            source.copyIn([1, 2, 3, 4])
            let sink = try PageBuffer(count: Self.page)
            let sending = try pair.adapter.buildLam(over: source)
            let receiving = try pair.adapter.buildLam(over: sink)
            try pair.far.queuePair.receive(into: receiving, 0..<4)
            try pair.near.queuePair.send(sending, 0..<4)
            try pair.near.queuePair.write(sending, 1..<4, to: target.remote)
            try pair.near.queuePair.read(into: receiving, 100..<103, from: target.remote)
            #expect(try pair.near.completions.next(3).map(\.status) == [.success, .success, .success])
            #expect(try pair.far.completions.next()[0].byteCount == 4)
            #expect(sink.copyOut(0..<4) == [1, 2, 3, 4])
            #expect(target.buffer.copyOut(0..<3) == [2, 3, 4])
            #expect(sink.copyOut(100..<103) == [2, 3, 4])
            expectIdle(sending)
            expectIdle(receiving)
            target.close()
            try pair.close()
        }

        @Test("[58] an element covers any bytes of any pages of a mapping, and several elements are one message")
        func elements() throws {
            var pair = try Pair()
            let memory = try DeviceMemory(pages: 4)
            memory.fill(seed: 58)
            let mapping = try unsafe pair.adapter.buildLam([memory.descriptor()])
            let sink = try PageBuffer(count: 4 * Self.page)
            let receiving = try pair.adapter.buildLam(over: sink)
            let parts = [50..<3 * Self.page + 70, 7..<8, Self.page - 1..<Self.page + 1]
            let sinks = [receiving.element(3..<5000), receiving.element(5000..<4 * Self.page)]
            try pair.far.queuePair.receive(into: sinks.span)
            let sources = [mapping.element(parts[0]), mapping.element(parts[1]), mapping.element(parts[2])]
            try pair.near.queuePair.send(sources.span)
            let count = parts.reduce(0) { $0 + $1.count }
            #expect(try pair.far.completions.next().map(\.byteCount) == [UInt32(count)])
            #expect(sink.copyOut(3..<3 + count) == parts.flatMap { DeviceMemory.filled($0, seed: 58) })
            _ = try pair.near.completions.next()
            expectIdle(mapping)
            expectIdle(receiving)
            try pair.close()
        }

        @Test("[59] an address outside every mapping, or behind the end of one, is refused and gives no completion")
        func unknownAddresses() throws {
            var pair = try Pair()
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: 100))
            var element = mapping.element
            for address in [
                0, 1, UInt64.max, 1 << 63, UInt64(mapping.memory.address), mapping.baseAddress.rawValue - 1,
                mapping.baseAddress.rawValue + 100, mapping.baseAddress.rawValue ^ 1 << 52,
                mapping.baseAddress.rawValue ^ 1 << 62, mapping.baseAddress.rawValue + 1 << 32,
            ] {
                element.address = LogicalAddress(rawValue: address)
                expectRefused(.unknownAddress(element: 0)) { () throws(PostError) in
                    try pair.near.queuePair.send([element].span)
                }
            }
            element.address = mapping.baseAddress.advanced(by: 99)
            element.length = 2
            expectRefused(.beyondMapping(element: 0)) { () throws(PostError) in
                try pair.near.queuePair.receive(into: [element].span)
            }
            element.length = 1 << 20
            expectRefused(.beyondMapping(element: 0)) { () throws(PostError) in
                try pair.near.queuePair.send([element].span)
            }
            #expect(pair.near.completions.poll(for: .milliseconds(50)).isEmpty)
            expectIdle(mapping)
            try pair.close()
        }

        @Test("[60] opens nothing to a peer, nor does any key of a mapping")
        func peer() throws {
            let adapter = try Pair.openAdapter()
            let secret = try PageBuffer(count: Self.page)
            secret.copyIn([60])
            let mapping = try adapter.buildLam(over: secret)
            let local = try adapter.buildLam(over: PageBuffer(count: Self.page))
            let keys = try DeviceOracle.regions().flatMap { [$0.lkey, $0.rkey] }
                .compactMap { $0.flatMap { UInt32($0, radix: 16) } }
            for key in Set(keys).union([adapter.privilegedToken]) {
                var pair = try Pair(of: adapter)
                let remote = RemoteMemory(address: mapping.baseAddress.rawValue, key: key)
                try pair.near.queuePair.write(local, 0..<8, to: remote)
                let status = try pair.near.completions.next()[0].status
                #expect([.remoteAccessError, .flushed].contains(status), "\(status)")
                pair.closeQueuePairs()
            }
            #expect(secret.copyOut(0..<8) == [60, 0, 0, 0, 0, 0, 0, 0])
            expectIdle(mapping)
            expectIdle(local)
            try adapter.close(waiting: .seconds(10))
        }

        @Test("[61] is no key of any mapping: the kernel knows it as that of one page which the adapter keeps")
        func unique() throws {
            let adapter = try Pair.openAdapter()
            let kept = try (0..<10).map { _ in Kept(try adapter.buildLam(over: PageBuffer(count: 2 * Self.page))) }
            let token = String(adapter.privilegedToken, radix: 16)
            let regions = try DeviceOracle.regions()
            #expect(regions.count == 11)
            #expect(regions.filter { $0.lkey == token }.map(\.mrlen) == [Self.page])
            #expect(regions.filter { $0.rkey == token && $0.lkey != token }.isEmpty)
            kept.forEach { $0.release() }
            try adapter.close(waiting: .seconds(10))
        }

        @Test("[62] of one adapter is refused on a queue pair of another")
        func otherAdapter() throws {
            var pair = try Pair()
            let other = try Pair.openAdapter()
            #expect(other.privilegedToken != pair.adapter.privilegedToken)
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: 8))
            var element = mapping.element
            element.token = other.privilegedToken
            expectRefused(.wrongToken(element: 0)) { () throws(PostError) in
                try pair.near.queuePair.send([element].span)
            }
            expectIdle(mapping)
            try pair.close()
        }

        @Test("[65] an inline request longer than the queue pair was created for is refused")
        func inlineTooLong() throws {
            var pair = try Pair()
            expectRefused(.inlineTooLong(bytes: 65, limit: 64)) { () throws(PostError) in
                try pair.near.sendInline([UInt8](repeating: 1, count: 65))
            }
            let sink = try pair.adapter.buildLam(over: PageBuffer(count: 64))
            try pair.far.queuePair.receive(into: sink, 0..<64)
            try pair.near.sendInline([UInt8](repeating: 1, count: 64))
            #expect(try pair.far.completions.next()[0].byteCount == 64)
            _ = try pair.near.completions.next()
            expectIdle(sink)
            try pair.close()
        }
    }
}
