import Glibc
import LAM
import TestSupport
import Testing

@Suite("The end of a completion queue")
struct CompletionQueueEndTests {
    @Test("[106] closing it waits for its queue pairs, and says which are left", arguments: [false, true])
    func pending(isForReceives: Bool) async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            let others = try adapter.createCompletionQueue(depth: 8)
            var queuePair =
                if isForReceives {
                    try adapter.createQueuePair(sendCompletions: others, receiveCompletions: completions)
                } else {
                    try adapter.createQueuePair(sendCompletions: completions, receiveCompletions: others)
                }
            let mapping = try adapter.map()
            try queuePair.receive(into: mapping, 0..<8)
            do throws(AdapterError) {
                try completions.close(waiting: .milliseconds(5))
                Issue.record("it was closed")
            } catch {
                #expect(error == .queuePairsLeft(numbers: [queuePair.number]))
            }
            #expect(device.completionQueueCount == 2)
            let kept = try mapping.expectBusy()
            queuePair.close()
            kept.releaseNow()
            #expect(eventually { device.completionQueueCount == 1 }, "it goes with its last queue pair")
            try others.close(waiting: .zero)
        }
    }

    @Test("[106] [109] a thread that closes it goes on once, when the last queue pair is closed")
    func waiting() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 4)
            let first = BoxedQueuePair(try adapter.connectedQueuePair(completions))
            let second = BoxedQueuePair(try adapter.connectedQueuePair(completions))
            let isLastClosed = SharedValue(false)
            let closing = TestThread {
                first.close()
                usleep(20_000)
                isLastClosed.value = true
                second.close()
            }
            try completions.close()
            #expect(isLastClosed.value)
            closing.join()
            #expect(eventually { device.completionQueueCount == 0 })
        }
    }
}
