import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("The reaper")
struct ReaperTests {
    @Test("unpins an idle mapping within 10 ms, whether it sleeps or is at work")
    func deadline() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let busy = try adapter.map()
            try queuePair.receive(into: busy, 0..<8)
            // The machine may be busy with other things; what is systematic shows every time.
            #expect(try lateReleases(of: adapter) < 20)
            busy.release()
            #expect(try lateReleases(of: adapter) < 20)
            queuePair.close()
            #expect(completions.take(1).count == 1)
        }
    }

    /// How many of twenty releases take longer than they may.
    private func lateReleases(of adapter: Adapter) throws -> Int {
        var late = 0
        for round in 0..<20 {
            let releases = adapter.statistics.releases
            let begin = ContinuousClock.now
            try adapter.map().release()
            #expect(eventually { adapter.statistics.releases == releases + 1 })
            if ContinuousClock.now - begin > .milliseconds(10) { late += 1 }
            if round % 7 == 0 { usleep(6_000) }
        }
        return late
    }

    @Test("misses none of many releases from many threads")
    func noLostWakeUp() async throws {
        try await withFakeAdapter { adapter, device in
            let threads = (0..<4).map { index in
                TestThread {
                    for round in 0..<300 {
                        guard let mapping = try? adapter.map() else { return }
                        mapping.release()
                        // Give the reaper time to fall asleep, or not.
                        if round % 50 == index * 10 { usleep(7_000) }
                    }
                }
            }
            threads.forEach { $0.join() }
            #expect(eventually { adapter.statistics.releases == 1_200 })
            #expect(adapter.statistics.builds == 1_200)
        }
    }

    @Test("wakes everybody who waits, whatever else it does")
    func awaiting() async throws {
        try await withFakeAdapter { adapter, device in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        for _ in 0..<50 {
                            try await adapter.map().released()
                            try adapter.map().release()
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(eventually { adapter.statistics.releases == 800 })
        }
    }

    @Test("goes with its adapter, also when the last reference is its own")
    func lastReference() async throws {
        for _ in 0..<20 {
            let device = FakeDevice()
            do {
                let adapter = try Adapter.open(over: device.verbs)
                let completions = try adapter.createCompletionQueue(depth: 8)
                // A thread of the adapter ends it, and with it the adapter.
                _ = try adapter.connectedQueuePair(completions)
            }
            expectNothingLeft(of: device)
        }
    }

    @Test("does not wait for a queue pair that was dropped and that the device is slow to end")
    func notHeldUp() async throws {
        let device = FakeDevice()
        let gate = VerbGate()
        do {
            let adapter = try Adapter.open(over: gate.guarding(device.verbs))
            let completions = try adapter.createCompletionQueue(depth: 8)
            gate.shut()
            _ = try adapter.connectedQueuePair(completions)
            try #require(eventually { gate.isOccupied })
            try adapter.map().release()
            #expect(eventually { adapter.statistics.releases == 1 })
            #expect(gate.isOccupied)
            gate.open()
        }
        expectNothingLeft(of: device)
    }

    @Test("delivers what it polled before anything newer, from however many queue pairs")
    func order() async throws {
        try await withFakeAdapter(over: FakeDevice(carriesOutSendsAtOnce: true)) { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var next: UInt64 = 0
            var expected: UInt64 = 0
            for round in 0..<200 {
                let mapping = try adapter.map()
                for _ in 0..<3 {
                    try queuePair.send(mapping, 0..<8, context: next)
                    next += 1
                }
                if round % 3 == 0 { await mapping.released() } else { mapping.release() }
                for completion in completions.take(1) {
                    #expect(completion.context == expected)
                    expected += 1
                }
                while next - expected > 4 {
                    for completion in completions.take(1) {
                        #expect(completion.context == expected)
                        expected += 1
                    }
                }
            }
            for completion in completions.take(Int(next - expected)) {
                #expect(completion.context == expected)
                expected += 1
            }
            #expect(expected == next)
        }
    }

    @Test("wakes a thread that waits for results when it has polled them itself")
    func waitingThread() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var batch = CompletionBatch()
            for context in 0..<50 as Range<UInt64> {
                let mapping = try adapter.map()
                try queuePair.send(mapping, 0..<8, context: context)
                mapping.release()
                let number = queuePair.number
                let device = TestThread {
                    usleep(UInt32(context % 5) * 300)
                    device.complete(number)
                }
                let count = try completions.wait(into: &batch, atMost: .seconds(10))
                device.join()
                try #require(count == 1)
                #expect(batch[0].context == context)
            }
            #expect(try completions.wait(into: &batch, atMost: .milliseconds(5)) == 0)
        }
    }
}
