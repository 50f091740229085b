import LAM
import TestSupport
import Testing

extension OnDevice {
    /// Invalidations by a message of the peer, and those that are refused.
    ///
    /// A token that is not bound must never be named on rxe: the machine would go down (T1).
    @Suite("An invalidation")
    struct InvalidationTests {
        private static let page = DeviceMemory.pageSize

        @Test("[49] [81] by the peer's message ends the access and frees the mapping; ours is refused from then on")
        func byPeer() throws {
            var pair = try Pair()
            let region = try FastRegisterTests.region(of: pair.adapter)
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let sink = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            for base in [nil, 0x4000_0000 as UInt64] {
                try pair.far.queuePair.receive(into: sink, 0..<8)
                let remote = try FastRegisterTests.register(region, mapping, at: base, on: &pair.far)
                #expect(try pair.far.completions.next()[0].status == .success)
                let bytes: [UInt8] = [7]
                try pair.near.queuePair.sendAndInvalidate(inline: unsafe bytes.span.bytes, remoteKey: remote.key)
                let sent = try pair.near.completions.next()[0]
                #expect(sent.status == .success)
                #expect(sent.operation == .send)
                let received = try pair.far.completions.next()[0]
                #expect(received.byteCount == 1)
                #expect(received.operation == .receiveAndInvalidate)
                #expect(received.invalidatedKey == remote.key)
                let known = region.remoteMemory
                #expect(known == nil)
                expectRefused(.region(.notRegistered)) { () throws(PostError) in
                    try pair.far.queuePair.invalidate(region)
                }
            }
            expectIdle(mapping)
            expectIdle(sink)
            drop(region)
            try pair.close()
        }

        @Test("[81] of a window by the peer's message ends its access as well")
        func windowByPeer() throws {
            var pair = try Pair()
            let target = try pair.openTarget()
            let sink = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            try pair.far.queuePair.receive(into: sink, 0..<8)
            let message = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            try pair.near.queuePair.sendAndInvalidate(message, 0..<3, remoteKey: target.remote.key)
            #expect(try pair.near.completions.next()[0].operation == .send)
            let received = try pair.far.completions.next()[0]
            #expect(received.operation == .receiveAndInvalidate)
            #expect(received.invalidatedKey == target.remote.key)
            expectRefused(.window(.notBound)) { () throws(PostError) in
                try pair.far.queuePair.invalidate(target.window)
            }
            try FastRegisterTests.expectNoAccess(&pair, message, target.remote)
            expectIdle(message)
            pair.closeQueuePairs()
            expectIdle(sink)
            expectIdle(target.mapping)
        }

        @Test(
            "[76] [77] [78] of what is not registered is refused, as is a second registration; the queue pair stays usable"
        )
        func refusals() throws {
            var pair = try Pair()
            let region = try FastRegisterTests.region(of: pair.adapter)
            var registered = try pair.adapter.createMemoryRegion(.registered)
            try registered.register(over: PageBuffer(count: Self.page), access: .remoteRead)
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            expectRefused(.region(.notRegistered)) { () throws(PostError) in
                try pair.far.queuePair.invalidate(region)
            }
            expectRefused(.region(.notInvalidated)) { () throws(PostError) in
                try pair.far.queuePair.invalidate(registered)
            }
            _ = try FastRegisterTests.register(region, mapping, at: 0x4000_0000, on: &pair.far)
            expectRefused(.region(.stillRegistering)) { () throws(PostError) in
                try pair.far.queuePair.invalidate(region)
            }
            #expect(throws: PostError.region(.alreadyRegistered)) {
                try FastRegisterTests.register(region, mapping, at: nil, on: &pair.far)
            }
            _ = try pair.far.completions.next()
            expectRefused(.region(.registeredElsewhere)) { () throws(PostError) in
                try pair.near.queuePair.invalidate(region)
            }
            try pair.far.queuePair.invalidate(region)
            expectRefused(.region(.notRegistered)) { () throws(PostError) in
                try pair.far.queuePair.invalidate(region)
            }
            #expect(try pair.far.completions.next()[0].status == .success)
            expectRefused(.region(.notRegistered)) { () throws(PostError) in
                try pair.far.queuePair.invalidate(region)
            }
            let sink = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            try pair.near.queuePair.receive(into: sink, 0..<8)
            try pair.far.sendInline([1])
            #expect(try pair.near.completions.next()[0].status == .success)
            expectIdle(sink)
            expectIdle(mapping)
            drop(region)
            drop(registered)
            try pair.close()
        }
    }
}
