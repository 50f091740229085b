import Glibc
import LAM
import TestSupport
import Testing

extension OnDevice {
    /// A peer's access that is given for a while: not a byte and not a moment more than was asked for.
    @Suite("A grant")
    struct GrantTests {
        private static let page = DeviceMemory.pageSize

        @Test("lets the peer read and write its bytes, until it is revoked")
        func revoked() async throws {
            var pair = try Pair()
            let before = try DeviceOracle.now()
            let target = try PageBuffer(count: 3 * Self.page)
            target.copyIn([5, 6], at: 5000)
            var mapping = try pair.adapter.buildLam(over: target)
            let grant = try await mapping.grant([.read, .write], bytes: 4990..<5010, to: &pair.far.queuePair)
            mapping = try expectInUse(mapping, by: "1 window")
            let own = try PageBuffer(count: Self.page)
            own.copyIn([1, 2, 3])
            let local = try pair.adapter.buildLam(over: own)
            try pair.near.queuePair.write(local, 0..<3, to: grant.remoteMemory.advanced(by: 17))
            try pair.near.queuePair.read(into: local, 8..<10, from: grant.remoteMemory.advanced(by: 10))
            #expect(try pair.near.completions.next(2).map(\.status) == [.success, .success])
            #expect(target.copyOut(5006..<5011) == [0, 1, 2, 3, 0])
            #expect(own.copyOut(8..<10) == [5, 6])
            #expect(pair.far.completions.poll().isEmpty)
            let remote = grant.remoteMemory
            grant.revoke()
            try FastRegisterTests.expectNoAccess(&pair, local, remote)
            expectIdle(local)
            expectIdle(mapping)
            #expect(try DeviceOracle.now() == before)
            pair.closeQueuePairs()
        }

        @Test("opens nothing beyond its bytes, though they are in the middle of a mapping (T37)", arguments: [-1, 18])
        func confined(offset: Int) async throws {
            var pair = try Pair()
            let target = try PageBuffer(count: Self.page)
            let mapping = try pair.adapter.buildLam(over: target)
            let grant = try await mapping.grant([.read, .write], bytes: 100..<120, to: &pair.far.queuePair)
            let own = try PageBuffer(count: Self.page)
            own.copyIn([1, 2, 3])
            let local = try pair.adapter.buildLam(over: own)
            // Three bytes, of which one is outside.
            let outside = RemoteMemory(
                address: grant.remoteMemory.address &+ UInt64(bitPattern: Int64(offset)), key: grant.remoteMemory.key)
            try FastRegisterTests.expectNoAccess(&pair, local, outside)
            #expect(target.copyOut(98..<123) == [UInt8](repeating: 0, count: 25))
            grant.revoke()
            expectIdle(local)
            expectIdle(mapping)
            pair.closeQueuePairs()
        }

        @Test("gives no right that was not asked for", arguments: [RemoteAccess.read, .write])
        func rights(access: RemoteAccess) async throws {
            var pair = try Pair()
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let local = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let grant = try await mapping.grant(access, bytes: 0..<64, to: &pair.far.queuePair)
            if access == .read {
                try pair.near.queuePair.read(into: local, 0..<3, from: grant.remoteMemory)
                #expect(try pair.near.completions.next()[0].status == .success)
                try FastRegisterTests.expectNoAccess(&pair, local, grant.remoteMemory)
            } else {
                try pair.near.queuePair.write(local, 0..<3, to: grant.remoteMemory)
                #expect(try pair.near.completions.next()[0].status == .success)
                try pair.near.queuePair.read(into: local, 0..<3, from: grant.remoteMemory)
                #expect(try pair.near.completions.next()[0].status != .success)
            }
            grant.revoke()
            expectIdle(local)
            expectIdle(mapping)
            pair.closeQueuePairs()
        }

        @Test("is of no use to the peer of another queue pair")
        func otherPeer() async throws {
            var pair = try Pair()
            var other = try Pair(of: pair.adapter)
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let local = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let grant = try await mapping.grant([.read, .write], bytes: 0..<64, to: &pair.far.queuePair)
            try FastRegisterTests.expectNoAccess(&other, local, grant.remoteMemory)
            try pair.near.queuePair.write(local, 0..<3, to: grant.remoteMemory)
            #expect(try pair.near.completions.next()[0].status == .success)
            grant.revoke()
            other.closeQueuePairs()
            pair.closeQueuePairs()
            expectIdle(local)
            expectIdle(mapping)
        }

        @Test("ends when its time is over, and the peer's access with it")
        func deadline() async throws {
            var pair = try Pair()
            var mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let local = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let long = try await mapping.grant(
                .write, bytes: 64..<128, to: &pair.far.queuePair, lasting: .seconds(3600))
            let grant = try await mapping.grant(
                .write, bytes: 0..<64, to: &pair.far.queuePair, lasting: .milliseconds(50))
            let end = ContinuousClock.now + .seconds(20)
            while grant.isLive, ContinuousClock.now < end { usleep(1000) }
            #expect(grant.isLive == false)
            let remote = grant.remoteMemory
            await grant.revoked()
            try pair.near.queuePair.write(local, 0..<3, to: long.remoteMemory)
            #expect(try pair.near.completions.next()[0].status == .success)
            try FastRegisterTests.expectNoAccess(&pair, local, remote)
            mapping = try expectInUse(mapping, by: "1 window")
            await long.revoked()
            expectIdle(local)
            expectIdle(mapping)
            pair.closeQueuePairs()
        }

        @Test(
            "is revoked at once though its queue is full of requests that do not complete, or has failed",
            arguments: [true, false])
        func revokedWithoutPost(isFull: Bool) async throws {
            var pair = try Pair()
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let grant = try await mapping.grant(.write, bytes: 0..<64, to: &pair.far.queuePair)
            if isFull {
                // Nobody receives them.
                while true { do { try pair.far.sendInline([1]) } catch { break } }
            } else {
                let local = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
                try pair.far.queuePair.write(local, 0..<8, to: RemoteMemory(address: 0, key: 0x77))
                #expect(try pair.far.completions.next()[0].status != .success)
            }
            grant.revoke()
            expectIdle(mapping)
            pair.closeQueuePairs()
        }

        @Test("[50] ends with its queue pair, which closes in less than a second")
        func queuePairEnds() async throws {
            var pair = try Pair()
            let before = try DeviceOracle.now()
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let grant = try await mapping.grant(.write, bytes: 8..<64, to: &pair.far.queuePair)
            let clock = ContinuousClock()
            let start = clock.now
            pair.closeQueuePairs()
            #expect(start.duration(to: clock.now) < .seconds(1))
            #expect(grant.isLive == false)
            expectIdle(mapping)
            #expect(try DeviceOracle.now() == before)
        }

        @Test("[49] ends when the peer invalidates it by a message")
        func invalidatedByPeer() async throws {
            var pair = try Pair()
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let sink = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            try pair.far.queuePair.receive(into: sink, 0..<8)
            let grant = try await mapping.grant(.write, bytes: 8..<64, to: &pair.far.queuePair)
            let bytes: [UInt8] = [7]
            try pair.near.queuePair.sendAndInvalidate(
                inline: unsafe bytes.span.bytes, remoteKey: grant.remoteMemory.key)
            #expect(try pair.far.completions.next()[0].invalidatedKey == grant.remoteMemory.key)
            #expect(grant.isLive == false)
            expectIdle(mapping)
            expectIdle(sink)
            grant.revoke()
            pair.closeQueuePairs()
        }
    }
}
