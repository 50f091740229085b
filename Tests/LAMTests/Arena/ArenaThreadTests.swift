import Glibc
import LAM
import TestSupport
import Testing

@Suite("Many threads on one arena")
struct ArenaThreadTests {
    @Test("[32] [55] cut, post each other's mappings and release them anywhere, and never share a byte")
    func everything() throws {
        let device = FakeDevice()
        do {
            let adapter = try Adapter.open(over: device.verbs)
            let stage = try ArenaStage(adapter, device, cuts: 10_000)
            let carrier = TestThread { stage.carryOut() }
            let warden = TestThread { stage.collect() }
            let workers = (0..<4).map { index in TestThread { stage.work(seed: UInt64(index)) } }
            workers.forEach { $0.join() }
            stage.isOver.value = true
            carrier.join()
            warden.join()
            #expect(stage.objections.value == [])
            stage.handover.releaseAll()
            #expect(eventually { stage.arena.statistics.mappings == 0 })
            stage.arena.close()
            try adapter.close(waiting: .seconds(10))
        }
        expectNothingLeft(of: device)
    }

    @Test("Threads come and go, and what they kept is there for the next ones")
    func shortThreads() async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try smallArena(adapter, slabs: 1, pages: 8)
            let failures = SharedValue(0)
            for _ in 0..<50 {
                let threads = (0..<4).map { _ in
                    TestThread {
                        for _ in 0..<20 {
                            do { try arena.buildLam(length: fakePageSize).release() } catch {
                                failures.update { $0 += 1 }
                            }
                        }
                    }
                }
                threads.forEach { $0.join() }
            }
            #expect(failures.value == 0)
            #expect(device.registrationCount == 1)
        }
    }

    @Test("A thread waits for the slab that another one registers, however long that takes")
    func growth() throws {
        let device = FakeDevice()
        let gate = VerbGate()
        do {
            let adapter = try Adapter.open(over: gate.guardingRegistration(device.verbs))
            let arena = try smallArena(adapter, pages: 2)
            gate.shut()
            let failures = SharedValue<[String]>([])
            let threads = (0..<2).map { _ in
                TestThread {
                    do { try arena.buildLam(length: 1).release() } catch { failures.update { $0.append("\(error)") } }
                }
            }
            #expect(eventually { gate.isOccupied })
            // Longer than a build waits for what was released.
            usleep(50_000)
            #expect(failures.value == [])
            gate.open()
            threads.forEach { $0.join() }
            #expect(failures.value == [])
        }
        expectNothingLeft(of: device)
    }

    @Test("A thread that only cuts, and one that only releases, go on for ever")
    func producerAndConsumer() async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try adapter.createArena(ArenaOptions(budgetBytes: 8 << 20, slabBytes: 1 << 20))
            let handover = KeptMappings()
            let isOver = SharedValue(false)
            let failure = SharedValue<String?>(nil)
            let consumer = TestThread {
                while !isOver.value {
                    handover.releaseAll()
                    // On one processor it would otherwise only make the producer wait.
                    sched_yield()
                }
            }
            let producer = TestThread {
                do {
                    for _ in 0..<50_000 {
                        while handover.count > 64 { sched_yield() }
                        handover.add(try arena.buildLam(length: fakePageSize))
                    }
                } catch {
                    failure.value = "\(error)"
                }
            }
            producer.join()
            isOver.value = true
            consumer.join()
            handover.releaseAll()
            #expect(failure.value == nil)
        }
    }
}

/// What the threads of the stress test share.
private final class ArenaStage: Sendable {
    let adapter: Adapter
    let device: FakeDevice
    let arena: Arena
    let isOver = SharedValue(false)
    let objections = SharedValue<[String]>([])
    /// How many mappings are still to be cut.
    private let missing: SharedValue<Int>
    /// Mappings that another thread releases than the one that cut them.
    let handover = KeptMappings()
    /// Elements of everybody's mappings, most of them stale.
    private let elements = SharedValue<[ScatterGatherElement]>([])
    private static let lengths = [512, 3000, 4096, 20_000]

    init(_ adapter: Adapter, _ device: FakeDevice, cuts: Int) throws {
        self.adapter = adapter
        self.device = device
        missing = SharedValue(cuts)
        // Little enough for slabs to be divided anew and given back.
        arena = try adapter.createArena(ArenaOptions(budgetBytes: 512 << 10, slabBytes: 64 << 10))
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

    /// Takes away from the threads what they keep.
    func collect() {
        while !isOver.value {
            arena.trim()
            _ = adapter.survivors.description
            usleep(1000)
        }
    }

    func work(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        do {
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            while missing.value > 0 {
                try cut(on: &queuePair, &random)
                check(completions.drain())
            }
            queuePair.close()
            check(completions.drain())
        } catch {
            object("\(error)")
        }
    }

    private func cut(on queuePair: inout LAM.QueuePair, _ random: inout SeededGenerator) throws {
        guard let mapping = cut(&random) else { return }
        missing.update { $0 -= 1 }
        if let used = device.memoryInUse.first(where: { $0.overlaps(mapping.memory.range) }) {
            object("\(mapping.memory) was handed out while a request used \(used)")
        }
        let mark = UInt64.random(in: 1 ... .max, using: &random)
        mapping.withMutableBytes { $0.storeBytes(of: mark, as: UInt64.self) }
        note(mapping.element(0..<64))
        for _ in 0..<Int.random(in: 0...3, using: &random) { post(on: &queuePair, &random) }
        try? queuePair.send(mapping, 0..<8)
        if Bool.random(using: &random) { sched_yield() }
        let found = mapping.withBytes { unsafe $0.unsafeLoad(as: UInt64.self) }
        if found != mark { object("\(mapping.memory) was written to by another owner") }
        release(mapping, &random)
    }

    private func cut(_ random: inout SeededGenerator) -> LogicalAddressMapping? {
        do throws(MappingError) {
            return try arena.buildLam(length: Self.lengths.randomElement(using: &random)!)
        } catch {
            if case .arenaFull = error { return nil }
            object("\(error)")
            return nil
        }
    }

    private func note(_ element: ScatterGatherElement) {
        elements.update {
            if $0.count == 16 { $0.removeFirst() }
            $0.append(element)
        }
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
            case .unknownAddress, .queueFull, .ended: break
            default: object("\(error)")
            }
        }
    }

    private func release(_ mapping: consuming LogicalAddressMapping, _ random: inout SeededGenerator) {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: mapping.release()
        case 1: handover.add(mapping)
        case 2: handover.releaseAll(); _ = consume mapping
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
