import LAM
import Synchronization
import TestSupport
import Testing

extension OnDevice {
    /// Arming a completion queue. Rule 2.10.
    @Suite("A completion queue that is armed")
    struct ArmingTests {
        @Test("[97] [98] notifies once for each arming, at once of what is there unseen, else of the next")
        func once() throws {
            let notified = Notified()
            var pair = try Pair(of: Pair.openAdapter()) { notified.add($0) }
            let inbox = try Inbox(of: pair.adapter)
            try pair.expectMessages(8, in: inbox)
            try pair.near.sendInline([1])
            #expect(notified.settled(at: 0), "nobody armed it")
            try pair.far.completions.queue.arm()
            #expect(notified.settled(at: 1), "one is there")
            try pair.near.sendInline([2])
            #expect(notified.settled(at: 1), "it is not armed any more")
            try pair.far.completions.queue.arm()
            #expect(notified.settled(at: 2), "the second came after the notification")
            #expect(try pair.far.completions.polled(2).count == 2)
            try pair.far.completions.queue.arm()
            #expect(notified.settled(at: 2), "nothing is there")
            try pair.near.sendInline([3])
            #expect(notified.settled(at: 3))
            inbox.close()
            try pair.close()
        }

        @Test(
            "[99] twice notifies once, of whichever comes first",
            arguments: [NotificationTrigger.any, .errors, .solicited], [NotificationTrigger.any, .errors, .solicited])
        func merged(first: NotificationTrigger, second: NotificationTrigger) throws {
            let notified = Notified()
            var pair = try Pair(of: Pair.openAdapter()) { notified.add($0) }
            let inbox = try Inbox(of: pair.adapter)
            try pair.expectMessages(3, in: inbox)
            try pair.far.completions.queue.arm(for: first)
            try pair.far.completions.queue.arm(for: second)
            let isForAny = first == .any || second == .any
            let isForErrors = first == .errors && second == .errors
            try pair.near.sendInline([1])
            #expect(notified.settled(at: isForAny ? 1 : 0))
            try pair.near.sendInline([2], flags: .solicitEvent)
            #expect(notified.settled(at: isForErrors ? 0 : 1))
            try pair.near.sendInline([3], flags: .solicitEvent)
            #expect(notified.settled(at: isForErrors ? 0 : 1), "it was armed for one")
            #expect(try pair.far.completions.polled(3).count == 3)
            inbox.close()
            try pair.close()
        }

        @Test("[100] [101] for solicited results is silent for others; for errors, for all that succeed")
        func solicited() throws {
            let notified = Notified()
            var pair = try Pair(of: Pair.openAdapter()) { notified.add($0) }
            let inbox = try Inbox(of: pair.adapter)
            try pair.expectMessages(6, in: inbox)
            try pair.far.completions.queue.arm(for: .errors)
            try pair.near.sendInline([1], flags: .solicitEvent)
            #expect(try pair.far.completions.polled().count == 1)
            #expect(notified.settled(at: 0))
            try pair.far.completions.queue.arm(for: .solicited)
            try pair.near.completions.queue.arm(for: .solicited)
            for _ in 0..<3 { try pair.near.sendInline([2]) }
            #expect(try pair.far.completions.polled(3).count == 3)
            #expect(try pair.near.completions.polled(4).count == 4)
            #expect(notified.settled(at: 0))
            try pair.near.sendInline([3], flags: .solicitEvent)
            #expect(notified.settled(at: 1))
            #expect(try pair.far.completions.polled().count == 1)
            inbox.close()
            try pair.close()
        }

        @Test("[100] for solicited results notifies of a failure, also of a send, with no receive posted (T46)")
        func failure() throws {
            let notified = Notified()
            var pair = try Pair(of: Pair.openAdapter()) { notified.add($0) }
            let mapping = try pair.map()
            try pair.near.completions.queue.arm(for: .solicited)
            try pair.near.queuePair.write(mapping, 0..<8, to: RemoteMemory(address: 0, key: 0xDEAD_0000))
            #expect(notified.settled(at: 1))
            #expect(try pair.near.completions.polled()[0].status != .success)
            expectIdle(mapping)
            try pair.close()
        }

        @Test("[100] for solicited results notifies of a receive that failed")
        func receiveFailure() throws {
            let notified = Notified()
            var pair = try Pair(of: Pair.openAdapter()) { notified.add($0) }
            let inbox = try Inbox(of: pair.adapter)
            try pair.far.queuePair.receive(into: inbox.mapping, 0..<1)
            try pair.far.completions.queue.arm(for: .solicited)
            try pair.near.sendInline([1, 2])
            #expect(notified.settled(at: 1))
            #expect(try pair.far.completions.polled()[0].status != .success)
            inbox.close()
            try pair.close()
        }

        @Test("[103] never notifies of silent successes")
        func silent() throws {
            let notified = Notified()
            var pair = try Pair(of: Pair.openAdapter()) { notified.add($0) }
            let target = try pair.openTarget()
            let mapping = try pair.map()
            try pair.near.completions.queue.arm()
            var count = 0
            while count < 200 {
                do throws(PostError) {
                    try pair.near.queuePair.write(mapping, 0..<8, to: target.remote, flags: .silentSuccess)
                    count += 1
                } catch {
                    // The notifier polls them.
                    #expect(error == .queueFull(depth: 16))
                }
            }
            #expect(notified.settled(at: 0))
            let inbox = try Inbox(of: pair.adapter)
            try pair.expectMessages(1, in: inbox)
            try pair.near.sendInline([1], context: 103)
            #expect(notified.settled(at: 1))
            #expect(try pair.near.completions.polled().map(\.context) == [103])
            target.close()
            mapping.release()
            inbox.close()
            try pair.close()
        }

        @Test("[102] calls one at a time, also when it is armed inside of a call, and misses nothing")
        func serialized() throws {
            let insideCount = SharedValue(0)
            let mostInside = SharedValue(0)
            let found = SharedValue<[UInt64]>([])
            let box = BoxedQueue()
            let adapter = try Pair.openAdapter()
            var queue = try adapter.createCompletionQueue(depth: 64) { _ in
                insideCount.update { $0 += 1 }
                mostInside.update { $0 = max($0, insideCount.value) }
                let results = box.armAndPoll()
                found.update { $0 += results.map(\.context) }
                insideCount.update { $0 -= 1 }
            }
            var far = try adapter.createQueuePair(
                completions: queue, capacity: QueuePairCapacity(sendDepth: 1, receiveDepth: 200))
            var near = try Pair.End(of: adapter, Pair.capacity)
            try near.queuePair.connect(to: far.address)
            try far.connect(to: near.queuePair.address)
            let mapping = try adapter.buildLam(over: PageBuffer(count: 64))
            for context in 0..<200 as Range<UInt64> { try far.receive(into: mapping, 0..<64, context: context) }
            try queue.arm()
            box.put(queue)
            for _ in 0..<200 {
                try near.sendInline([1])
                _ = try near.completions.polled()
            }
            let end = ContinuousClock.now + .seconds(20)
            while found.value.count < 200, ContinuousClock.now < end {}
            #expect(found.value == Array(0..<200), "each once, in order")
            #expect(mostInside.value == 1)
            far.close()
            try box.close()
            _ = near.closeQueuePair()
            expectIdle(mapping)
            try adapter.close(waiting: .seconds(10))
        }
    }
}

/// A completion queue for a callback, which cannot hold noncopyable values.
private final class BoxedQueue: Sendable {
    private let queue = Mutex<CompletionQueue?>(nil)

    func put(_ queue: consuming CompletionQueue) {
        var queue: CompletionQueue? = consume queue
        self.queue.withLock { $0 = queue.take() }
    }

    /// Arms it first, so that whatever is not polled here is told.
    func armAndPoll() -> [Completion] {
        queue.withLock { queue in
            guard var present = queue.take() else { return [] }
            var completions: [Completion] = []
            var batch = CompletionBatch()
            try? present.arm()
            while present.poll(into: &batch) > 0 { batch.forEach { completions.append($0) } }
            queue = consume present
            return completions
        }
    }

    func close() throws(AdapterError) {
        let queue = queue.withLock { $0.take() }
        try queue?.close(waiting: .zero)
    }
}
