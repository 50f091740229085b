import Glibc
import LAM
import TestSupport
import Testing

@Suite("A device that fails as a whole")
struct DeviceFailureTests {
    @Test(
        "[56] is told by every completion queue that is armed, also one without queue pairs", arguments: [false, true])
    func armed(isUsed: Bool) async throws {
        try await withFakeAdapter { adapter, device in
            let notified = Notified()
            var completions = try adapter.createCompletionQueue(depth: 8) { notified.add($0) }
            let queuePair = isUsed ? BoxedQueuePair(try adapter.connectedQueuePair(completions)) : nil
            try completions.arm(for: .errors)
            device.reportFailureOfDevice()
            #expect(notified.reaches(1))
            // Whoever arms afterwards hears it, too.
            try completions.arm(for: .solicited)
            #expect(notified.reaches(2))
            #expect(notified.value == [.deviceFailed, .deviceFailed])
            queuePair?.close()
        }
    }

    @Test("[56] ends every queue pair, every wait, and the making of new objects")
    func ends() async throws {
        try await withFakeAdapter { adapter, device in
            let notifications = SharedValue<[SharedReceiveQueueNotification]>([])
            var completions = try adapter.createCompletionQueue(depth: 8)
            var shared = try adapter.createSharedReceiveQueue(depth: 4) { note in
                notifications.update { $0.append(note) }
            }
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            try queuePair.send(mapping, 0..<8)
            let failing = TestThread {
                usleep(20_000)
                device.reportFailureOfDevice()
            }
            expect(throws: .deviceFailed) { () throws(AdapterError) in
                var batch = CompletionBatch()
                // What is outstanding may still complete, flushed.
                while try completions.wait(into: &batch) > 0 {}
            }
            failing.join()
            #expect(
                eventually {
                    do throws(PostError) { try queuePair.send(mapping, 0..<8) } catch { return error == .ended }
                    return false
                })
            #expect(eventually { notifications.value == [.failed] })
            do throws(PostError) {
                try shared.receive(into: mapping, 0..<8)
                Issue.record("a receive was posted")
            } catch {
                #expect(error == .ended)
            }
            expect(throws: .deviceFailed) { () throws(AdapterError) in
                _ = try adapter.createCompletionQueue(depth: 8)
            }
            queuePair.close()
            try shared.close()
            mapping.releaseNow()
        }
    }

    private func expect(throws expected: AdapterError, _ body: () throws(AdapterError) -> Void) {
        do throws(AdapterError) {
            try body()
            Issue.record("nothing was thrown")
        } catch {
            #expect(error == expected)
        }
    }
}
