import LAM
import TestSupport
import Testing

extension OnDevice {
    /// The three ways to give a mapping up, and what each promises.
    @Suite("The forms of release")
    struct ReleaseFormTests {
        private static let page = DeviceMemory.pageSize

        @Test("[34] a mapping that nothing uses is released, and its address is refused from then on")
        func idle() throws {
            var pair = try Pair()
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
            let element = mapping.element
            expectIdle(mapping)
            expectRefused(.unknownAddress(element: 0)) { () throws(PostError) in
                try pair.near.queuePair.send([element].span)
            }
            expectRefused(.unknownAddress(element: 0)) { () throws(PostError) in
                try pair.near.queuePair.receive(into: [element].span)
            }
            #expect(pair.near.completions.poll(for: .milliseconds(50)).isEmpty)
            try pair.close()
        }

        @Test("[34] a dropped mapping is released, and its buffer stays until it is")
        func dropped() throws {
            let adapter = try Pair.openAdapter()
            let before = try DeviceOracle.now()
            do { _ = try adapter.buildLam(over: PageBuffer(count: 3 * Self.page)) }
            try adapter.close(waiting: .seconds(10))
            #expect(adapter.statistics.releases == 1)
            #expect(try DeviceOracle.pinnedKilobytes() < before.pinnedKilobytes)
        }

        @Test("release() returns at once while a receive is posted; the kernel lists the region until it completed")
        func release() throws {
            var pair = try Pair()
            let before = try DeviceOracle.now()
            let mapping = try pair.adapter.buildLam(over: PageBuffer(count: 5 * Self.page))
            try pair.near.queuePair.receive(into: mapping, 0..<100, context: 35)
            let clock = ContinuousClock()
            let start = clock.now
            mapping.release()
            #expect(start.duration(to: clock.now) < .milliseconds(100))
            try #expect(stillListed(5 * Self.page, after: .milliseconds(200)))
            #expect(pair.adapter.statistics.deferredReleases == 1)
            try pair.far.sendInline([1, 2, 3])
            let received = try pair.near.completions.next()
            #expect(received.map(\.context) == [35])
            #expect(try settled(to: before, within: .seconds(1)))
            #expect(pair.adapter.statistics.releases == 1)
            try pair.close()
        }

        @Test("released() behind an unsignaled tail returns by itself, though nobody polls")
        func releasedBehindSilence() async throws {
            var pair = try Pair()
            let target = try pair.openTarget()
            let before = try DeviceOracle.now()
            let buffer = try PageBuffer(count: Self.page)
            buffer.copyIn([7, 8, 9])
            let mapping = try pair.adapter.buildLam(over: buffer)
            try pair.near.queuePair.write(mapping, 0..<3, to: target.remote, flags: .silentSuccess)
            await mapping.released()
            #expect(try DeviceOracle.now() == before)
            #expect(target.buffer.copyOut(0..<3) == [7, 8, 9])
            #expect(pair.near.completions.poll(for: .milliseconds(50)).isEmpty, "nobody hears of silent success")
            target.close()
            try pair.close()
        }

        @Test("released() of an idle mapping returns when the memory is unpinned")
        func releasedWhenIdle() async throws {
            let adapter = try Pair.openAdapter()
            let before = try DeviceOracle.now()
            let mapping = try adapter.buildLam(over: PageBuffer(count: Self.page))
            await mapping.released()
            #expect(try DeviceOracle.now() == before)
        }

        @Test("tryRelease() gives the mapping back with who uses it, and the mapping works as before")
        func refused() throws {
            var pair = try Pair()
            let buffer = try PageBuffer(count: Self.page)
            var mapping = try pair.adapter.buildLam(over: buffer)
            try pair.near.queuePair.receive(into: mapping, 0..<8)
            try pair.near.queuePair.receive(into: mapping, 8..<16)
            let number = pair.near.queuePair.number
            mapping = try expectInUse(mapping, by: "2 requests on the receive queue of queue pair \(number)")
            #expect(mapping.use.queues.map(\.requests) == [2])
            #expect(mapping.use.queues.map(\.side) == [.receive])
            #expect(mapping.use.queues.map(\.queuePairNumber) == [number])
            buffer.copyIn([42], at: 100)
            try pair.near.sendInline([1])
            try pair.far.queuePair.receive(into: mapping, 200..<300)
            try pair.far.queuePair.send(mapping, 100..<101)
            #expect(try pair.near.completions.next(2).allSatisfy { $0.status == .success })
            #expect(try pair.far.completions.next(2).allSatisfy { $0.status == .success })
            #expect(buffer.copyOut(0..<1) == [42])
            mapping = try expectInUse(mapping, by: "1 request on the receive queue of queue pair \(number)")
            try pair.far.queuePair.send(mapping, 100..<101)
            _ = try pair.near.completions.next()
            _ = try pair.far.completions.next()
            expectIdle(mapping)
            try pair.close()
        }

        @Test("from idle to unpinned takes no longer than a tick of the reaper")
        func latency() throws {
            var pair = try Pair()
            var times: [Duration] = []
            for _ in 0..<10 {
                let before = try DeviceOracle.pinnedKilobytes()
                let mapping = try pair.adapter.buildLam(over: PageBuffer(count: Self.page))
                try pair.near.queuePair.receive(into: mapping, 0..<1)
                mapping.release()
                try pair.far.sendInline([1])
                _ = try pair.near.completions.next()
                let clock = ContinuousClock()
                let idle = clock.now
                while pair.adapter.statistics.releases == times.count, idle.duration(to: clock.now) < .seconds(1) {}
                times.append(idle.duration(to: clock.now))
                #expect(try DeviceOracle.pinnedKilobytes() == before)
                _ = try pair.far.completions.next()
            }
            times.sort()
            print("from idle to unpinned: median \(times[5]), longest \(times[9])")
            #expect(times[9] < .seconds(1))
            try pair.close()
        }

        /// Whether the kernel lists a region of this size after a while.
        private func stillListed(_ bytes: Int, after pause: Duration) throws -> Bool {
            let end = ContinuousClock.now + pause
            while ContinuousClock.now < end {}
            return try DeviceOracle.regions().contains { $0.mrlen == bytes }
        }
    }
}

/// Whether the kernel's view becomes this one in time.
func settled(to view: DeviceOracle, within patience: Duration) throws -> Bool {
    let end = ContinuousClock.now + patience
    while try DeviceOracle.now() != view {
        if ContinuousClock.now > end { return false }
    }
    return true
}
