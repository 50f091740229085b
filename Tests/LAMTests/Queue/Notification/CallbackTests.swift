import Glibc
import LAM
import TestSupport
import Testing

@Suite("The callback of a completion queue")
struct CallbackTests {
    @Test("[102] never overlaps itself, also when the queue is armed inside of it, and misses nothing")
    func serialized() async throws {
        try await withFakeAdapter(over: FakeDevice(carriesOutSendsAtOnce: true)) { adapter, _ in
            let box = BoxedCompletionQueue()
            let insideCount = SharedValue(0)
            let mostInside = SharedValue(0)
            let found = SharedValue<[UInt64]>([])
            var completions = try adapter.createCompletionQueue(depth: 8) { _ in
                insideCount.update { $0 += 1 }
                mostInside.update { $0 = max($0, insideCount.value) }
                // Armed first, so that something may come, and be told, while this is still inside.
                box.arm()
                let results = box.drain()
                found.update { $0 += results.map(\.context) }
                usleep(50)
                insideCount.update { $0 -= 1 }
            }
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            try completions.arm()
            box.put(completions)
            var posted: UInt64 = 0
            while posted < 500 {
                do throws(PostError) {
                    try queuePair.send(mapping, 0..<8, context: posted)
                    posted += 1
                } catch {
                    sched_yield()
                }
            }
            #expect(eventually { found.value.count == 500 })
            #expect(found.value == Array(0..<500), "each once, in order")
            #expect(mostInside.value == 1)
            _ = box.take()
            queuePair.close()
            await mapping.released()
        }
    }

    @Test("holds up neither another queue's, nor the memory that is being released")
    func long() async throws {
        try await withFakeAdapter(over: FakeDevice(carriesOutSendsAtOnce: true)) { adapter, _ in
            let isHeld = SharedValue(true)
            let notified = Notified()
            var slow = try adapter.createCompletionQueue(depth: 8) {
                while isHeld.value { usleep(100) }
                notified.add($0)
            }
            var quick = try adapter.createCompletionQueue(depth: 8) { notified.add($0) }
            var first = try adapter.connectedQueuePair(slow)
            var second = try adapter.connectedQueuePair(quick)
            let mapping = try adapter.map()
            try slow.arm()
            try quick.arm()
            try first.send(mapping, 0..<8)
            try second.send(mapping, 0..<8)
            #expect(notified.reaches(1))
            await mapping.released()
            isHeld.value = false
            #expect(notified.reaches(2))
        }
    }

    @Test("[107] may give up its own queue, and the queue pair that completes there", arguments: [false, true])
    func closeInside(isDropped: Bool) async throws {
        try await withFakeAdapter(over: FakeDevice(carriesOutSendsAtOnce: true)) { adapter, _ in
            let box = BoxedCompletionQueue()
            let pairs = SharedValue<[BoxedQueuePair]>([])
            let notified = Notified()
            var completions = try adapter.createCompletionQueue(depth: 8) {
                pairs.value.forEach { $0.close() }
                if isDropped { _ = box.take() } else { try? box.take()?.close() }
                notified.add($0)
            }
            let queuePair = BoxedQueuePair(try adapter.connectedQueuePair(completions))
            pairs.value = [queuePair]
            let mapping = try adapter.map()
            try completions.arm()
            box.put(completions)
            try queuePair.post { (queuePair) throws(PostError) in try queuePair.send(mapping, 0..<8) }
            #expect(notified.reaches(1))
            #expect(!box.isFull)
            mapping.releaseNow()
            try adapter.close(waiting: .seconds(10))
        }
    }

    @Test("[108] does not begin after the queue was closed, and has ended then")
    func closed() async throws {
        try await withFakeAdapter(over: FakeDevice(carriesOutSendsAtOnce: true)) { adapter, _ in
            for _ in 0..<100 {
                let isInside = SharedValue(false)
                let count = SharedValue(0)
                var completions = try adapter.createCompletionQueue(depth: 8) { _ in
                    isInside.value = true
                    count.update { $0 += 1 }
                    usleep(100)
                    isInside.value = false
                }
                var queuePair = try adapter.connectedQueuePair(completions)
                let mapping = try adapter.map()
                try completions.arm()
                try queuePair.send(mapping, 0..<8)
                usleep(UInt32.random(in: 0...200))
                do throws(AdapterError) {
                    try completions.close(waiting: .zero)
                    Issue.record("a queue pair still completes there")
                } catch {
                    #expect(error == .queuePairsLeft(numbers: [queuePair.number]))
                }
                #expect(!isInside.value)
                let calls = count.value
                usleep(300)
                #expect(count.value == calls)
                queuePair.close()
                mapping.releaseNow()
            }
        }
    }

    @Test("[110] cannot close the adapter, which would wait for it")
    func closeAdapterInside() async throws {
        try await withFakeAdapter { adapter, device in
            let errors = SharedValue<[AdapterError]>([])
            var completions = try adapter.createCompletionQueue(depth: 8) { [adapter] _ in
                do throws(AdapterError) { try adapter.close() } catch { errors.update { $0.append(error) } }
            }
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            try queuePair.receive(into: mapping, 0..<8)
            try completions.arm()
            device.completeReceive(queuePair.number)
            while errors.value.isEmpty { usleep(200) }
            #expect(errors.value == [.insideCallback])
            #expect(completions.take(1).count == 1)
        }
    }

    @Test("[110] has ended when the close of the adapter returns")
    func closeAdapter() async throws {
        let device = FakeDevice(carriesOutSendsAtOnce: true)
        for _ in 0..<50 {
            let isInside = SharedValue(false)
            let adapter = try Adapter.open(over: device.verbs)
            do {
                var completions = try adapter.createCompletionQueue(depth: 8) { _ in
                    isInside.value = true
                    usleep(1000)
                    isInside.value = false
                }
                var queuePair = try adapter.connectedQueuePair(completions)
                let mapping = try adapter.map()
                try completions.arm()
                try queuePair.send(mapping, 0..<8)
                usleep(UInt32.random(in: 0...200))
                // Dropped, not closed.
                _ = consume completions
                queuePair.close()
                mapping.releaseNow()
            }
            try adapter.close(waiting: .seconds(10))
            #expect(!isInside.value)
        }
    }

    @Test("is needed for arming: without one nobody would hear of it")
    func none() async {
        await #expect(processExitsWith: .failure) {
            try await withFakeAdapter { adapter, _ in
                var completions = try adapter.createCompletionQueue(depth: 8)
                try completions.arm()
            }
            exit(0)
        }
    }
}
