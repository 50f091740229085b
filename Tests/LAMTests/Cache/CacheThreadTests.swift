import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("Many threads on one registration cache")
struct CacheThreadTests {
    @Test("[32] [55] map the same buffers and others, post, release anywhere and forget, and never meet a dead key")
    func everything() throws {
        let device = FakeDevice()
        do {
            let adapter = try Adapter.open(over: device.verbs)
            let stage = try CacheStage(adapter, device, mappings: 10_000)
            let carrier = TestThread { stage.carryOut() }
            let warden = TestThread { stage.evict() }
            let workers = (0..<4).map { index in TestThread { stage.work(seed: UInt64(index)) } }
            workers.forEach { $0.join() }
            stage.isOver.value = true
            carrier.join()
            warden.join()
            #expect(stage.objections.value == [])
            stage.handover.releaseAll()
            stage.cache.close()
            try adapter.close(waiting: .seconds(10))
        }
        expectNothingLeft(of: device)
    }

    @Test("Threads that miss the same memory at once register it once")
    func onlyOne() async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter)
            for round in 1...50 {
                let buffer = try PageBuffer(count: 8)
                let threads = (0..<4).map { _ in TestThread { try? cache.buildLam(over: buffer).release() } }
                threads.forEach { $0.join() }
                #expect(device.callCount(.registerRegion) == 1 + round)
                #expect(cache.trim() == fakePageSize)
            }
            #expect(cache.statistics.hits == 150)
        }
    }

    @Test("What is cached is found while another thread registers, and its own memory by who waits for it")
    func registrationHoldsNobodyUp() throws {
        let device = FakeDevice()
        let gate = VerbGate()
        do {
            let adapter = try Adapter.open(over: gate.guardingRegistration(device.verbs))
            let cache = try smallCache(adapter)
            let buffers = try pageBuffers(3)
            for buffer in buffers.prefix(2) { try cache.buildLam(over: buffer).release() }
            gate.shut()
            let builds = SharedValue(0)
            let threads = (0..<2).map { _ in
                TestThread {
                    try? cache.buildLam(over: buffers[2]).release()
                    builds.update { $0 += 1 }
                }
            }
            #expect(eventually { gate.isOccupied })
            for _ in 0..<100 { try cache.buildLam(over: buffers[0]).release() }
            TestThread { try? cache.buildLam(over: buffers[1]).release() }.join()
            #expect(cache.statistics.hits == 101)
            #expect(cache.trim(toBytes: 2 * fakePageSize) == fakePageSize)
            #expect(builds.value == 0)
            gate.open()
            threads.forEach { $0.join() }
            #expect(cache.statistics.misses == 3)
            #expect(cache.statistics.hits == 102)
        }
        expectNothingLeft(of: device)
    }

    @Test("A registration that is under way while the cache is closed goes as soon as it is made")
    func closedMeanwhile() throws {
        let device = FakeDevice()
        let gate = VerbGate()
        do {
            let adapter = try Adapter.open(over: gate.guardingRegistration(device.verbs))
            let cache = try smallCache(adapter)
            let buffers = try pageBuffers(2)
            try cache.buildLam(over: buffers[0]).release()
            gate.shut()
            let outcome = SharedValue("none")
            let thread = TestThread {
                do throws(MappingError) {
                    try cache.buildLam(over: buffers[1]).release()
                    outcome.value = "mapped"
                } catch {
                    outcome.value = "\(error == .closed)"
                }
            }
            #expect(eventually { gate.isOccupied })
            cache.close()
            gate.open()
            thread.join()
            #expect(outcome.value == "true")
            try adapter.close(waiting: .seconds(10))
        }
        expectNothingLeft(of: device)
    }
}

/// What the threads of the stress test share.
private final class CacheStage: Sendable {
    let adapter: Adapter
    let device: FakeDevice
    let cache: RegistrationCache
    let isOver = SharedValue(false)
    let objections = SharedValue<[String]>([])
    /// Mappings that another thread releases than the one that built them.
    let handover = KeptMappings()
    /// How many mappings are still to be built.
    private let missing: SharedValue<Int>
    /// Elements of everybody's mappings, most of them stale.
    private let elements = SharedValue<[ScatterGatherElement]>([])
    private let buffers: [PageBuffer]

    init(_ adapter: Adapter, _ device: FakeDevice, mappings: Int) throws {
        self.adapter = adapter
        self.device = device
        missing = SharedValue(mappings)
        buffers = try pageBuffers(12)
        // Little enough for registrations to be evicted all the time, by the limit and by the janitor.
        cache = try smallCache(adapter, pages: 8, idleLimit: .milliseconds(2))
    }

    /// The device's part.
    func carryOut() {
        while !isOver.value {
            for number in device.queuePairNumbers {
                device.complete(number, sends: 3)
                device.completeReceive(number)
            }
            sched_yield()
        }
    }

    func evict() {
        while !isOver.value {
            cache.trim(toBytes: 4 * fakePageSize)
            cache.forget(buffers[0].descriptor)
            _ = adapter.survivors.description
            _ = cache.statistics
            usleep(500)
        }
    }

    func work(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        do {
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            while missing.value > 0 {
                try build(on: &queuePair, &random)
                check(completions.drain())
            }
            queuePair.close()
            check(completions.drain())
        } catch {
            object("\(error)")
        }
    }

    private func build(on queuePair: inout LAM.QueuePair, _ random: inout SeededGenerator) throws {
        let buffer = buffers.randomElement(using: &random)!
        let mapping = try cache.buildLam(
            over: buffer, access: Int.random(in: 0..<4, using: &random) == 0 ? .readOnly : .readWrite)
        missing.update { $0 -= 1 }
        if mapping.memory != buffer.descriptor { object("\(mapping.memory) is mapped instead of \(buffer.descriptor)") }
        elements.update {
            if $0.count == 16 { $0.removeFirst() }
            $0.append(mapping.element(0..<64))
        }
        for _ in 0..<Int.random(in: 0...3, using: &random) { post(on: &queuePair, &random) }
        try? queuePair.send(mapping, 0..<8)
        if Bool.random(using: &random) { sched_yield() }
        release(mapping, &random)
    }

    private func post(on queuePair: inout LAM.QueuePair, _ random: inout SeededGenerator) {
        guard let element = elements.value.randomElement(using: &random) else { return }
        let flags: RequestFlags = Bool.random(using: &random) ? .silentSuccess : []
        do throws(PostError) {
            if Int.random(in: 0..<3, using: &random) == 0 {
                try queuePair.receive(into: [element].span)
            } else {
                try queuePair.send([element, element].span, flags: flags)
            }
        } catch {
            switch error {
            case .unknownAddress, .queueFull, .ended, .notWritable: break
            default: object("\(error)")
            }
        }
    }

    private func release(_ mapping: consuming LogicalAddressMapping, _ random: inout SeededGenerator) {
        switch Int.random(in: 0..<5, using: &random) {
        case 0, 1: mapping.release()
        case 2: handover.add(mapping)
        case 3:
            handover.releaseAll()
            mapping.release()
        default:
            switch mapping.tryRelease() {
            case .released: break
            case .busy(let kept, _): kept.release()
            case .refused(let kept, let error):
                object("\(error)")
                kept.release()
            }
        }
    }

    private func check(_ completions: [Completion]) {
        for completion in completions where completion.status != .success && completion.status != .flushed {
            object("\(completion)")
        }
    }

    private func object(_ objection: String) {
        objections.update { $0.append(objection) }
    }
}
