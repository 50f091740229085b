import Glibc
import LAM
import TestSupport
import Testing

extension OnDevice {
    /// Closing queues and adapters while callbacks are raised, and inside of them.
    @Suite("The end of a completion queue")
    struct QueueEndTests {
        @Test("[106] waits for its queue pairs, which it still serves, and says which are left")
        func pending() throws {
            let adapter = try Pair.openAdapter()
            var near = try Pair.End(of: adapter, Pair.capacity)
            let queue = try adapter.createCompletionQueue(depth: 16)
            var far = try adapter.createQueuePair(completions: queue, capacity: Pair.capacity)
            try near.queuePair.connect(to: far.address)
            try far.connect(to: near.queuePair.address)
            let mapping = try adapter.buildLam(over: PageBuffer(count: 64))
            try far.receive(into: mapping, 0..<64)
            do throws(AdapterError) {
                try queue.close(waiting: .milliseconds(20))
                Issue.record("it was closed")
            } catch {
                #expect(error == .queuePairsLeft(numbers: [far.number]))
            }
            #expect(adapter.survivors.completionQueues == 2)
            try near.sendInline([1])
            #expect(try near.completions.next()[0].status == .success, "the peer has a receive posted")
            far.close()
            expectIdle(mapping)
            #expect(adapter.survivors.completionQueues == 1)
            _ = near.closeQueuePair()
            try adapter.close(waiting: .seconds(10))
        }

        @Test("[107] works inside the queue's own callback, with the queue pair that completes there")
        func inside() throws {
            let adapter = try Pair.openAdapter()
            let ownQueue = Box<CompletionQueue>()
            let ownPair = Box<QueuePair>()
            let results = SharedValue<[Result<Void, AdapterError>]>([])
            var queue = try adapter.createCompletionQueue(depth: 16) { _ in
                ownPair.take()?.close()
                let result = Result { () throws(AdapterError) in try ownQueue.take()?.close(waiting: .seconds(10)) }
                results.update { $0.append(result.map { _ in }) }
            }
            var near = try Pair.End(of: adapter, Pair.capacity)
            var receiver = try adapter.createQueuePair(completions: queue, capacity: Pair.capacity)
            try near.queuePair.connect(to: receiver.address)
            try receiver.connect(to: near.queuePair.address)
            let mapping = try adapter.buildLam(over: PageBuffer(count: 64))
            try receiver.receive(into: mapping, 0..<64)
            try queue.arm()
            ownQueue.put(queue)
            ownPair.put(receiver)
            try near.sendInline([1])
            let end = ContinuousClock.now + .seconds(20)
            while results.value.isEmpty, ContinuousClock.now < end {}
            #expect(results.value.count == 1)
            try results.value.first?.get()
            expectIdle(mapping)
            _ = near.closeQueuePair()
            try adapter.close(waiting: .seconds(10))
        }

        @Test("[108] [109] is the last that is heard of it, with messages arriving meanwhile")
        func underTraffic() throws {
            let adapter = try Pair.openAdapter()
            for round in 0..<10 as Range<UInt32> {
                let isInside = SharedValue(false)
                let count = SharedValue(0)
                var queue = try adapter.createCompletionQueue(depth: 16) { _ in
                    isInside.value = true
                    count.update { $0 += 1 }
                    usleep(500)
                    isInside.value = false
                }
                var near = try Pair.End(of: adapter, Pair.capacity)
                var far = try adapter.createQueuePair(completions: queue, capacity: Pair.capacity)
                try near.queuePair.connect(to: far.address)
                try far.connect(to: near.queuePair.address)
                let mapping = try adapter.buildLam(over: PageBuffer(count: 64))
                for _ in 0..<8 { try far.receive(into: mapping, 0..<64) }
                try queue.arm()
                for _ in 0..<8 { try near.sendInline([1]) }
                usleep(round * 200)
                do throws(AdapterError) { try queue.close(waiting: .zero) } catch {
                    #expect(error == .queuePairsLeft(numbers: [far.number]))
                }
                #expect(!isInside.value)
                let calls = count.value
                #expect(calls <= 1, "it was armed once")
                _ = try near.completions.polled(8)
                far.close()
                #expect(count.value == calls)
                _ = near.closeQueuePair()
                expectIdle(mapping)
            }
            try adapter.close(waiting: .seconds(10))
        }

        @Test(
            "[110] an adapter's close waits for the callback of a queue that was dropped, and is refused inside of it")
        func adapterClose() throws {
            let adapter = try Pair.openAdapter()
            let refusals = SharedValue<[AdapterError]>([])
            let isOver = SharedValue(false)
            var near = try Pair.End(of: adapter, Pair.capacity)
            do {
                var queue = try adapter.createCompletionQueue(depth: 16) { [adapter] _ in
                    do throws(AdapterError) { try adapter.close() } catch { refusals.update { $0.append(error) } }
                    usleep(100_000)
                    isOver.value = true
                }
                var far = try adapter.createQueuePair(completions: queue, capacity: Pair.capacity)
                try near.queuePair.connect(to: far.address)
                try far.connect(to: near.queuePair.address)
                let mapping = try adapter.buildLam(over: PageBuffer(count: 64))
                try far.receive(into: mapping, 0..<64)
                try queue.arm()
                try near.sendInline([1])
                let end = ContinuousClock.now + .seconds(20)
                while refusals.value.isEmpty, ContinuousClock.now < end {}
                far.close()
            }
            _ = near.closeQueuePair()
            try adapter.close(waiting: .seconds(10))
            #expect(refusals.value == [.insideCallback])
            #expect(isOver.value)
        }
    }
}
