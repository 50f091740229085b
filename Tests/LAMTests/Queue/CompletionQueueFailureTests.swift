import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("A completion queue that fails")
struct CompletionQueueFailureTests {
    @Test("[56] ends its queue pairs, and everything is releasable once they are closed", arguments: [false, true])
    func failure(isShared: Bool) async throws {
        let device = FakeDevice(reportsLastReceives: true)
        try await withFakeAdapter(over: device) { adapter, device in
            let failing = try adapter.createCompletionQueue(depth: 8)
            var sound = try adapter.createCompletionQueue(depth: 8)
            var shared = try adapter.createSharedReceiveQueue(depth: 8)
            var queuePair =
                if isShared {
                    try adapter.connectedQueuePair(failing, receivesFrom: shared)
                } else {
                    try adapter.connectedQueuePair(failing)
                }
            var other = try adapter.connectedQueuePair(sound)
            let mapping = try adapter.map()
            for _ in 0..<3 { try queuePair.send(mapping, 0..<8) }
            if isShared {
                try shared.receive(into: mapping, 0..<8)
            } else {
                try queuePair.receive(into: mapping, 0..<8)
            }
            device.failReceiveQueue(of: queuePair.number)
            device.complete(queuePair.number, sends: 2)
            device.completeReceive(queuePair.number)
            #expect(
                eventually {
                    do throws(PostError) { try queuePair.send(mapping, 0..<8) } catch { return error == .ended }
                    return false
                })
            try other.send(mapping, 0..<8, context: 7)
            device.complete(other.number)
            #expect(sound.drain().map(\.context) == [7])
            let kept = try mapping.expectBusy()
            queuePair.close()
            // Of a shared receive that was taken, the device said nothing: it ends with its queue.
            if isShared { try shared.close() }
            kept.releaseNow()
            other.close()
        }
    }

    @Test("[56] ends the wait for what it lost, and gives what it still has")
    func wait() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            try queuePair.send(mapping, 0..<8, context: 1)
            try queuePair.send(mapping, 0..<8, context: 2)
            device.complete(queuePair.number)
            let number = queuePair.number
            let failing = TestThread {
                usleep(20_000)
                device.failReceiveQueue(of: number)
            }
            var batch = CompletionBatch()
            #expect(try completions.wait(into: &batch) == 1)
            #expect(batch[0].context == 1)
            do throws(AdapterError) {
                _ = try completions.wait(into: &batch)
                Issue.record("the wait gave what the device has lost")
            } catch {
                #expect(error == .completionsLost)
            }
            failing.join()
            queuePair.close()
            mapping.releaseNow()
        }
    }

    @Test("[56] also by an event of a queue pair alone, which ends that one", arguments: [false, true])
    func queuePairFailure(isShared: Bool) async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            let shared = try adapter.createSharedReceiveQueue(depth: 8)
            var queuePair =
                if isShared {
                    try adapter.connectedQueuePair(completions, receivesFrom: shared)
                } else {
                    try adapter.connectedQueuePair(completions)
                }
            let other = try adapter.connectedQueuePair(completions)
            device.reportFailure(of: queuePair.number)
            let mapping = try adapter.map()
            let isEnded = eventually {
                do throws(PostError) { try queuePair.send(mapping, 0..<8) } catch { return error == .ended }
                return false
            }
            #expect(isEnded)
            let isConnected = other.isConnected
            #expect(isConnected)
        }
    }
}
