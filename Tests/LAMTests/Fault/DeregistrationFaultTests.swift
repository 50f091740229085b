import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("A refused deregistration")
struct DeregistrationFaultTests {
    @Test("is kept, counted and tried again until it succeeds; only then is the mapping released")
    func retried() async throws {
        try await withFakeAdapter { adapter, device in
            let mapping = try adapter.map()
            device.inject(EBUSY, into: .deregisterRegion, times: 5)
            let released = BoxedMapping(mapping)
            let isDone = SharedValue(false)
            let waiting = Task {
                await released.take()?.released()
                isDone.value = true
            }
            while adapter.statistics.refusedDeregistrations < 3 { try await Task.sleep(for: .milliseconds(1)) }
            if adapter.statistics.refusedDeregistrations < 5 {
                #expect(!isDone.value)
                #expect(adapter.statistics.liveMappings == 1)
            }
            await waiting.value
            #expect(adapter.statistics.refusedDeregistrations == 5)
            #expect(adapter.statistics.liveMappings == 0)
            #expect(device.pinnedPageCount == 1, "the token's page alone")
        }
    }

    @Test("backs off: a device that refuses is not asked all the time")
    func backOff() async throws {
        try await withFakeAdapter { adapter, device in
            try adapter.map().release()
            device.inject(EBUSY, into: .deregisterRegion, times: 1_000)
            usleep(100_000)
            // 1 + 2 + 4 + ... milliseconds.
            #expect(adapter.statistics.refusedDeregistrations <= 9)
            device.clearFaults()
        }
    }

    @Test("keeps the buffer allocated until it succeeds, and not longer")
    func buffer() async throws {
        try await withFakeAdapter { adapter, device in
            weak var buffer: PageBuffer?
            do {
                let pages = try PageBuffer(count: 1)
                buffer = pages
                device.inject(EBUSY, into: .deregisterRegion, times: 1_000_000)
                try adapter.buildLam(over: pages).release()
            }
            #expect(eventually { adapter.statistics.refusedDeregistrations >= 2 })
            #expect(buffer != nil)
            device.clearFaults()
            #expect(eventually { buffer == nil })
        }
    }

    @Test("gives a mapping that was to be released at once back, as it was")
    func atOnce() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var mapping = try adapter.map()
            device.inject(EBUSY, into: .deregisterRegion)
            switch mapping.tryRelease() {
            case .refused(let kept, let error):
                #expect(error == .verbFailed(verb: "ibv_dereg_mr", errno: EBUSY))
                mapping = kept
            case .busy(let kept, let use):
                Issue.record("busy: \(use)")
                mapping = kept
            case .released:
                throw UnexpectedRelease()
            }
            try queuePair.send(mapping, 0..<8)
            try queuePair.send([mapping.element(8..<16)].span)
            device.complete(queuePair.number, sends: 2)
            await mapping.released()
        }
    }

    @Test("of one mapping does not hold up another")
    func others() async throws {
        let device = FakeDevice()
        let adapter = try Adapter.open(over: device.verbs)
        device.inject(EBUSY, into: .deregisterRegion, times: 1)
        try adapter.map().release()
        for _ in 0..<50 { try await adapter.map().released() }
        #expect(adapter.statistics.longestRelease < .seconds(5))
        #expect(eventually { adapter.statistics.liveMappings == 0 })
    }

    @Test("at the end of an adapter is retried in the background: nobody waits for such a device")
    func atTheEnd() async throws {
        let device = FakeDevice()
        let begin = ContinuousClock.now
        do {
            let adapter = try Adapter.open(over: device.verbs)
            device.inject(EBUSY, into: .deregisterRegion, times: 1_000_000)
            try adapter.map().release()
        }
        #expect(ContinuousClock.now - begin < .seconds(5))
        #expect(device.pinnedPageCount == 2)
        device.clearFaults()
        expectNothingLeft(of: device)
    }

    @Test("[24] comes never when the registration failed: nothing stays pinned, and the address is free")
    func failedBuild() async throws {
        let device = FakeDevice(pinnedPageLimit: 3)
        try await withFakeAdapter(over: device) { adapter, device in
            let mapping = try adapter.map(pages: 2)
            for _ in 0..<3 { #expect(throws: MappingError.self) { _ = try adapter.map() } }
            #expect(device.pinnedPageCount == 3)
            #expect(adapter.statistics.builds == 1)
            #expect(adapter.survivors.mappings.count == 1)
            mapping.releaseNow()
            try adapter.map(pages: 2).releaseNow()
        }
    }
}
