import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("The sequence of completions")
struct CompletionSequenceTests {
    @Test("gives each result once, in order, to whoever iterates", arguments: [1, 3])
    func all(tasks: Int) async throws {
        try await withFakeAdapter(over: FakeDevice(carriesOutSendsAtOnce: true)) { adapter, _ in
            let sequence = try adapter.createCompletionQueue(depth: 8).completions()
            let queuePair = BoxedQueuePair(try adapter.connectedQueuePair(sequence.queue))
            let mapping = try adapter.mapBoxed()
            let posting = TestThread {
                for context in 0..<200 as Range<UInt64> {
                    while true {
                        do throws(PostError) {
                            try queuePair.post { (queuePair) throws(PostError) in
                                try queuePair.send([mapping.element].span, context: context)
                            }
                            break
                        } catch {
                            usleep(50)
                        }
                    }
                }
            }
            let found = SharedValue<[UInt64]>([])
            try await withThrowingTaskGroup { group in
                for _ in 0..<tasks {
                    group.addTask {
                        for try await completion in sequence {
                            found.update { $0.append(completion.context) }
                            if found.value.count == 200 { break }
                        }
                    }
                }
                #expect(eventually { found.value.count == 200 })
                group.cancelAll()
                try await group.waitForAll()
            }
            posting.join()
            if tasks == 1 { #expect(found.value == Array(0..<200)) }
            #expect(found.value.sorted() == Array(0..<200))
            queuePair.close()
            mapping.take()?.releaseNow()
        }
    }

    @Test("ends when its task is cancelled, and loses no result by that")
    func cancelled() async throws {
        try await withFakeAdapter { adapter, device in
            let sequence = try adapter.createCompletionQueue(depth: 8).completions()
            var queuePair = try adapter.connectedQueuePair(sequence.queue)
            var mapping = try adapter.map()
            for context in 0..<4 as Range<UInt64> { try queuePair.send(mapping, 0..<8, context: context) }
            let found = SharedValue<[UInt64]>([])
            let waiting = Task {
                for try await completion in sequence { found.update { $0.append(completion.context) } }
            }
            device.complete(queuePair.number, sends: 1)
            #expect(eventually { found.value == [0] })
            waiting.cancel()
            try await waiting.value
            // Nothing was freed under the requests that go on.
            mapping = try mapping.expectBusy()
            device.complete(queuePair.number, sends: 2)
            // An iteration that ends in the middle of what one poll gave.
            for try await completion in sequence {
                #expect(completion.context == 1)
                break
            }
            device.complete(queuePair.number, sends: 1)
            for try await completion in sequence {
                found.update { $0.append(completion.context) }
                if completion.context == 3 { break }
            }
            #expect(found.value == [0, 2, 3])
            mapping.releaseNow()
        }
    }

    @Test("ends at once in a task that is cancelled already")
    func cancelledBefore() async throws {
        try await withFakeAdapter { adapter, device in
            let sequence = try adapter.createCompletionQueue(depth: 8).completions()
            var queuePair = try adapter.connectedQueuePair(sequence.queue)
            let mapping = try adapter.map()
            try queuePair.send(mapping, 0..<8, context: 1)
            device.complete(queuePair.number)
            let count = try await Task {
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                var count = 0
                for try await _ in sequence { count += 1 }
                return count
            }.value
            #expect(count == 0)
            for try await completion in sequence {
                #expect(completion.context == 1)
                break
            }
            mapping.releaseNow()
        }
    }

    @Test("[56] throws when its queue fails, after what the device still had")
    func failure() async throws {
        try await withFakeAdapter { adapter, device in
            let sequence = try adapter.createCompletionQueue(depth: 8).completions()
            var queuePair = try adapter.connectedQueuePair(sequence.queue)
            let mapping = try adapter.map()
            try queuePair.send(mapping, 0..<8, context: 1)
            try queuePair.send(mapping, 0..<8, context: 2)
            device.complete(queuePair.number)
            device.failReceiveQueue(of: queuePair.number)
            var found: [UInt64] = []
            do throws(AdapterError) {
                for try await completion in sequence { found.append(completion.context) }
                Issue.record("it ended without an error")
            } catch {
                #expect(error == .completionsLost)
            }
            #expect(found == [1])
            queuePair.close()
            mapping.releaseNow()
        }
    }

    @Test("throws when the device cannot be armed")
    func refused() async throws {
        try await withFakeAdapter { adapter, device in
            let sequence = try adapter.createCompletionQueue(depth: 8).completions()
            device.inject(EIO, into: .armCompletionQueue)
            do throws(AdapterError) {
                for try await _ in sequence {}
                Issue.record("it ended without an error")
            } catch {
                #expect(error == .verbFailed(verb: "ibv_req_notify_cq", errno: EIO))
            }
        }
    }

    @Test("[97] a task that waits for a notification gets one; a cancelled one gets none, and leaves the results")
    func notified() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            for context in 0..<2 as Range<UInt64> { try queuePair.send(mapping, 0..<8, context: context) }
            let number = queuePair.number
            let completing = TestThread {
                usleep(5_000)
                device.complete(number)
            }
            let first = try await completions.notified()
            #expect(first == .ready)
            completing.join()
            #expect(completions.take(1).map(\.context) == [0])
            let box = BoxedCompletionQueue()
            box.put(completions)
            let waiting = Task {
                guard var present = box.take() else { return true }
                let notification = try await present.notified(of: .solicited)
                box.put(present)
                return notification != nil
            }
            usleep(5_000)
            waiting.cancel()
            let isNotified = try await waiting.value
            #expect(!isNotified)
            device.complete(queuePair.number)
            #expect(box.drain().map(\.context) == [1])
            _ = box.take()
            mapping.releaseNow()
        }
    }
}
