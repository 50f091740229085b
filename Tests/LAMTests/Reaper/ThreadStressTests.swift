import Glibc
import LAM
import TestSupport
import Testing

@Suite("Many threads on one adapter")
struct ThreadStressTests {
    @Test("[32] [55] build, post each other's mappings, poll and release, and never meet a dead key")
    func everything() throws {
        let device = FakeDevice()
        do {
            let adapter = try Adapter.open(over: device.verbs)
            let stage = StressStage(adapter: adapter, device: device, end: .now.advanced(by: .seconds(2)))
            let carrier = TestThread { stage.carryOut() }
            let workers = (0..<4).map { index in TestThread { stage.work(seed: UInt64(index)) } }
            let vandal = TestThread { stage.endQueuePairs() }
            workers.forEach { $0.join() }
            stage.isOver.value = true
            carrier.join()
            vandal.join()
            #expect(stage.objections.value == [])
            #expect(stage.releases.value > 100, "the threads did next to nothing")
            #expect(eventually { adapter.statistics.liveMappings == 0 }, "\(adapter.survivors)")
            try adapter.close(waiting: .seconds(10))
        }
        expectNothingLeft(of: device)
    }
}

/// What the threads of a stress test share.
private final class StressStage: Sendable {
    let adapter: Adapter
    let device: FakeDevice
    let end: ContinuousClock.Instant
    let isOver = SharedValue(false)
    let objections = SharedValue<[String]>([])
    let releases = SharedValue(0)
    /// Elements of everybody's mappings, some of them stale: a post through them races with the owner's release.
    private let elements = SharedValue<[ScatterGatherElement]>([])

    init(adapter: Adapter, device: FakeDevice, end: ContinuousClock.Instant) {
        self.adapter = adapter
        self.device = device
        self.end = end
    }

    /// The device's part.
    func carryOut() {
        while !isOver.value {
            for number in device.queuePairNumbers {
                device.complete(number, sends: 3)
                device.completeReceive(number)
            }
        }
    }

    /// Creates queue pairs, has the reaper end them, and fails some.
    func endQueuePairs() {
        var random = SeededGenerator(seed: 99)
        while !isOver.value {
            do {
                var completions = try adapter.createCompletionQueue(depth: 8)
                var queuePair = try adapter.connectedQueuePair(completions)
                let window = try adapter.createMemoryWindow()
                let mapping = try adapter.map()
                _ = try? queuePair.bind(window, over: mapping, 0..<8, access: .read)
                for _ in 0..<4 { post(on: &queuePair, &random) }
                if Bool.random(using: &random) { device.fail(queuePair.number) }
                check(completions.drain())
                if Bool.random(using: &random) { queuePair.close() } else { _ = consume queuePair }
                check(completions.drain())
            } catch {
                objections.update { $0.append("\(error)") }
            }
        }
    }

    /// A user's part: queues of its own, mappings that everybody posts.
    func work(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        do {
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            while ContinuousClock.now < end {
                let mapping = try adapter.map()
                let element = mapping.element(0..<64)
                elements.update {
                    if $0.count == 16 { $0.removeFirst() }
                    $0.append(element)
                }
                for _ in 0..<Int.random(in: 0...4, using: &random) { post(on: &queuePair, &random) }
                try? queuePair.send(mapping, 0..<8)
                check(completions.drain())
                release(mapping, &random)
            }
            queuePair.close()
            check(completions.drain())
        } catch {
            objections.update { $0.append("\(error)") }
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
            default: objections.update { $0.append("\(error)") }
            }
        }
    }

    private func release(_ mapping: consuming LogicalAddressMapping, _ random: inout SeededGenerator) {
        releases.update { $0 += 1 }
        switch Int.random(in: 0..<3, using: &random) {
        case 0: mapping.release()
        case 1: _ = consume mapping
        default:
            switch mapping.tryRelease() {
            case .released: break
            case .busy(let kept, _): kept.release()
            case .refused(let kept, let error):
                objections.update { $0.append("\(error)") }
                kept.release()
            }
        }
    }

    /// A key that is dead fails its request: nothing but success and the ends that this test causes may come.
    private func check(_ completions: [Completion]) {
        for completion in completions {
            switch completion.status {
            case .success, .flushed, .retriesExceeded: break
            default: objections.update { $0.append("\(completion)") }
            }
        }
    }
}
