import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("The statistics of an adapter")
struct StatisticsTests {
    @Test("tell the time in use from the time to unpin")
    func times() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            try queuePair.send(mapping, 0..<8)
            mapping.release()
            let begin = ContinuousClock.now
            // The reaper looks at the mapping before it polls, and again before the next time.
            let polls = device.callCount(.pollCompletionQueue)
            #expect(eventually { device.callCount(.pollCompletionQueue) >= polls + 3 })
            let inUse = ContinuousClock.now - begin
            device.complete(queuePair.number)
            #expect(eventually { adapter.statistics.liveMappings == 0 })
            let statistics = adapter.statistics
            #expect(statistics.longestRelease >= inUse)
            #expect(statistics.longestUnpinning < statistics.longestRelease)
            #expect(statistics.longestUnpinning > .zero)
        }
    }

    @Test("count the time in which the device refuses")
    func refused() async throws {
        try await withFakeAdapter { adapter, device in
            // 1 + 2 + 4 milliseconds.
            device.inject(EBUSY, into: .deregisterRegion, times: 3)
            await (try adapter.map()).released()
            #expect(adapter.statistics.longestUnpinning >= .milliseconds(7))
            #expect(adapter.statistics.retries == 3)
        }
    }
}
