import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("The end of queue pairs and of their shared receive queue")
struct SharedQueueEndTests {
    @Test("[45] the failure or the close of a queue pair retires no receive; the close of the shared queue does")
    func end() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 4)
            var shared = try adapter.createSharedReceiveQueue(depth: 8)
            let first = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            let second = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            var mapping = try adapter.map()
            try shared.receive(into: mapping, 0..<8, context: 1)
            try shared.receive(into: mapping, 0..<8, context: 2)
            try shared.receive(into: mapping, 0..<8, context: 3)
            device.fail(first.number)
            mapping = try mapping.expectBusy()
            first.close()
            #expect(mapping.use.description == "3 uses by receives of shared receive queue 1")
            mapping = try mapping.expectBusy()
            device.completeReceive(second.number)
            #expect(completions.take(1).map(\.context) == [1])
            second.close()
            #expect(mapping.use.description == "2 uses by receives of shared receive queue 1")
            mapping = try mapping.expectBusy()
            try shared.close()
            mapping.releaseNow()
            #expect(completions.drain() == [], "what no message took does not complete")
        }
    }

    @Test("the device is not asked about a shared queue that is gone, though its last event is only being handled")
    func lastEvent() throws {
        let device = FakeDevice()
        let (event, destruction) = (VerbGate(), VerbGate())
        do {
            let verbs = destruction.followingSharedDestruction(event.followingAcknowledgement(device.verbs))
            let adapter = try Adapter.open(over: verbs)
            let completions = try adapter.createCompletionQueue(depth: 4)
            var shared = try adapter.createSharedReceiveQueue(depth: 8, threshold: 1)
            let queuePair = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            let mapping = try adapter.map()
            try shared.receive(into: mapping, 0..<8)
            event.shut()
            destruction.shut()
            device.completeReceive(queuePair.number)
            #expect(eventually { event.isOccupied })
            queuePair.close()
            let boxed = BoxedSharedQueue()
            boxed.put(shared)
            let closing = TestThread { _ = boxed.take() }
            #expect(eventually { destruction.isOccupied })
            event.open()
            // As long as a question would take.
            _ = eventually(within: .milliseconds(50)) { device.callCount(.querySharedQueue) > 0 }
            destruction.open()
            closing.join()
            mapping.release()
        }
        expectNothingLeft(of: device)
    }

    @Test("[47] a receive that fails ends its queue pair alone", arguments: 0..<4)
    func failure(failing: Int) async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 4)
            var shared = try adapter.createSharedReceiveQueue(depth: 8)
            let queuePairs = try (0..<4).map { _ in
                BoxedQueuePair(try adapter.connectedQueuePair(completions, receivesFrom: shared))
            }
            let mapping = try adapter.map()
            for _ in queuePairs { try shared.receive(into: mapping, 0..<8) }
            // Longer than its receive.
            device.completeReceive(queuePairs[failing].number, byteCount: 9)
            let failed = completions.take(1)
            #expect(failed.map(\.status) == [.localQueuePairOperationError])
            #expect(failed.map(\.queuePairNumber) == [queuePairs[failing].number])
            for (index, queuePair) in queuePairs.enumerated() {
                do throws(PostError) {
                    try queuePair.post { (queuePair) throws(PostError) in try queuePair.send(mapping, 0..<8) }
                    #expect(index != failing)
                    #expect(device.completeReceive(queuePair.number, byteCount: 8))
                } catch {
                    #expect(index == failing && error == .ended)
                }
            }
            #expect(completions.drain().map(\.status) == [.success, .success, .success])
            try shared.receive(into: mapping, 0..<8)
            for queuePair in queuePairs { queuePair.close() }
        }
    }

    @Test("[106] closing the shared queue waits for its queue pairs, and says which are left")
    func pending() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 4)
            var shared = try adapter.createSharedReceiveQueue(depth: 8)
            let queuePair = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            let mapping = try adapter.map()
            for context in 1...2 as ClosedRange<UInt64> { try shared.receive(into: mapping, 0..<8, context: context) }
            device.completeReceive(queuePair.number)
            do throws(AdapterError) {
                try shared.close(waiting: .milliseconds(5))
                Issue.record("it was closed")
            } catch {
                #expect(error == .queuePairsLeft(numbers: [queuePair.number]))
            }
            let kept = try mapping.expectBusy()
            #expect(device.sharedReceives.count == 1)
            // It goes with the last queue pair, in the same call.
            queuePair.close()
            #expect(device.sharedReceives.isEmpty)
            kept.releaseNow()
            #expect(completions.drain().map(\.context) == [1], "its result outlives both")
        }
    }

    @Test("[106] a thread that closes the shared queue goes on when the last queue pair is closed")
    func waiting() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 4)
            let shared = try adapter.createSharedReceiveQueue(depth: 8)
            let queuePair = BoxedQueuePair(try adapter.connectedQueuePair(completions, receivesFrom: shared))
            let closing = TestThread { [queuePair] in
                usleep(20_000)
                queuePair.close()
            }
            try shared.close()
            #expect(device.sharedReceives.isEmpty)
            closing.join()
        }
    }

    @Test("a shared queue that is dropped serves its queue pairs until the last one is gone")
    func dropped() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 4)
            var shared = try adapter.createSharedReceiveQueue(depth: 8)
            let queuePair = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            let mapping = try adapter.map()
            try shared.receive(into: mapping, 0..<8, context: 1)
            try shared.receive(into: mapping, 0..<8, context: 2)
            _ = consume shared
            device.completeReceive(queuePair.number)
            #expect(completions.take(1).map(\.context) == [1])
            _ = consume queuePair
            await mapping.released()
            #expect(device.sharedReceives.isEmpty)
        }
    }

    @Test("[106] [54] an adapter counts it among what is alive")
    func survivors() async throws {
        try await withFakeAdapter { adapter, _ in
            let first = try adapter.createSharedReceiveQueue(depth: 8)
            let second = try adapter.createSharedReceiveQueue(depth: 8)
            #expect(adapter.survivors.sharedReceiveQueues == [first.number, second.number])
            let survivors = adapter.survivors
            #expect(survivors.description == "shared receive queues [1, 2]")
            #expect(throws: AdapterError.survivors(survivors)) { try adapter.close(waiting: .milliseconds(5)) }
            try first.close()
            try second.close()
            try adapter.close()
            #expect(throws: AdapterError.closed) { _ = try adapter.createSharedReceiveQueue(depth: 8) }
        }
    }

    @Test("who asks what uses a mapping meets no queue that is half gone")
    func reports() async throws {
        try await withFakeAdapter { adapter, _ in
            let mapping = try adapter.map()
            let element = mapping.element(0..<8)
            let ending = TestThread { [adapter] in
                for _ in 0..<100 {
                    guard var shared = try? adapter.createSharedReceiveQueue(depth: 8) else { return }
                    try? shared.receive(into: [element].span)
                    try? shared.close()
                }
            }
            for _ in 0..<1000 { _ = mapping.use }
            ending.join()
            mapping.releaseNow()
        }
    }

    @Test("the end is tried again where the device refuses")
    func refusedEnd() async throws {
        try await withFakeAdapter { adapter, device in
            let shared = try adapter.createSharedReceiveQueue(depth: 8)
            device.inject(EBUSY, into: .destroySharedQueue, times: 3)
            try shared.close()
            #expect(device.sharedReceives.isEmpty)
            #expect(adapter.statistics.refusedDestructions == 3)
        }
    }

    @Test("a receive that a queue pair has taken completes although the queue pair is closed at this moment (T17)")
    func lastReceive() async throws {
        let device = FakeDevice(reportsLastReceives: true)
        try await withFakeAdapter(over: device) { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 4)
            var shared = try adapter.createSharedReceiveQueue(depth: 8)
            let queuePair = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            let number = queuePair.number
            let mapping = try adapter.map()
            try shared.receive(into: mapping, 0..<8, context: 1)
            try shared.receive(into: mapping, 0..<8, context: 2)
            device.beginReceive(number)
            device.holdLastReceives()
            // The first queue pair teaches the adapter that this device says when it is done.
            let teacher = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            device.fail(teacher.number)
            device.endReceives(of: teacher.number)
            teacher.close()
            let ending = TestThread {
                // Later than a device that says nothing is waited for.
                while device.callCount(.modifyQueuePair) < 8 { usleep(100) }
                usleep(150_000)
                device.endReceives(of: number)
            }
            queuePair.close()
            ending.join()
            let results = completions.drain()
            #expect(results.map(\.context) == [1])
            #expect(results.map(\.status) == [.flushed])
            #expect(results.map(\.queuePairNumber) == [number])
            #expect(mapping.use.sharedReceiveQueues.map(\.uses) == [1])
        }
    }

    @Test("a device that loses what a queue pair has taken loses a result, and no memory goes before the shared queue")
    func lostReceive() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 4)
            var shared = try adapter.createSharedReceiveQueue(depth: 8)
            let queuePair = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            let mapping = try adapter.map()
            try shared.receive(into: mapping, 0..<8, context: 1)
            device.beginReceive(queuePair.number)
            device.holdLastReceives()
            queuePair.close()
            #expect(completions.drain() == [])
            let kept = try mapping.expectBusy()
            try shared.close()
            kept.releaseNow()
        }
    }

    @Test("a shared queue that the device gives up ends its queue pairs, takes no receive, and can be closed")
    func deviceFailure() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 4)
            let notifications = Notifications()
            var shared = try adapter.createSharedReceiveQueue(depth: 8) { notifications.add($0) }
            var queuePair = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            var other = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            try shared.receive(into: mapping, 0..<8)
            device.failSharedQueue(of: queuePair.number)
            device.failSharedQueue(of: queuePair.number)
            #expect(eventually { notifications.list == [.failed] })
            #expect(throws: PostError.ended) { try shared.receive(into: mapping, 0..<8) }
            #expect(throws: PostError.ended) { try queuePair.send(mapping, 0..<8) }
            try other.send(mapping, 0..<8)
            queuePair.close()
            other.close()
            try shared.close()
            mapping.releaseNow()
            #expect(notifications.list == [.failed])
        }
    }
}
