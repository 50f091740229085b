import Testing
import Tracking

@Suite("Threads", .serialized)
struct ThreadTests {
    @Test("No memory goes under posters that pay for no barrier", .enabled(if: MemoryBarrier.isAvailable))
    func barrier() {
        expectNoViolation(Stress(ownerFences: false, queueCount: 6, posterCount: 2, barrier: MemoryBarrier.issue))
    }

    @Test("No memory goes under posters that fence for themselves")
    func ownerFences() {
        expectNoViolation(Stress(ownerFences: true, queueCount: 6, posterCount: 2) {})
    }

    @Test("[46] Completions of a shared receive queue retire their own requests, on several threads at once")
    func sharedQueue() {
        let stress = SharedStress()
        let threads = [
            SystemThread { stress.post() },
            SystemThread { stress.complete(seed: 1) },
            SystemThread { stress.complete(seed: 2) },
            SystemThread { stress.release() },
        ]
        for thread in threads { thread.join() }
        #expect(stress.violations == 0)
        #expect(stress.retired == SharedStress.requestCount)
        #expect(stress.alarms > 0 && stress.alarms <= SharedStress.requestCount / 1000)
        #expect(stress.queue.outstanding == 0)
    }

    private func expectNoViolation(_ stress: Stress) {
        let half = stress.queues.count / 2
        let threads = [
            SystemThread { stress.executeAndPoll() },
            SystemThread { stress.post(to: Array(stress.queues[..<half]), seed: 1) },
            SystemThread { stress.post(to: Array(stress.queues[half...]), seed: 2) },
            SystemThread { stress.replaceMappings(seed: 3) },
        ]
        for thread in threads { thread.join() }
        #expect(stress.violations == 0)
    }
}
