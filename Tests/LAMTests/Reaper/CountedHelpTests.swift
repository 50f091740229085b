import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

/// Uses that are counted say nothing of the queue that has them.
@Suite("The reaper's help for counted uses")
struct CountedHelpTests {
    @Test("[39] a receive of a shared queue that nobody polls does not hold its mapping")
    func sharedReceive() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var shared = try adapter.createSharedReceiveQueue(depth: 8)
            let queuePair = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            let mapping = try adapter.map()
            try shared.receive(into: mapping, 0..<8, context: 1)
            device.completeReceive(queuePair.number)
            await mapping.released()
            #expect(completions.drain().map(\.context) == [1], "its result waits for the user")
        }
    }

    @Test("[37] [39] a silent send of the fifth queue pair that uses a mapping does not hold it")
    func fifthQueue() async throws {
        try await withFakeAdapter(over: FakeDevice(carriesOutSendsAtOnce: true)) { adapter, _ in
            var completions = try adapter.createCompletionQueue(depth: 8)
            let mapping = try adapter.map()
            var queuePairs: [BoxedQueuePair] = []
            for _ in 0..<5 {
                var queuePair = try adapter.connectedQueuePair(completions)
                try queuePair.send(mapping, 0..<8, flags: .silentSuccess)
                queuePairs.append(BoxedQueuePair(queuePair))
            }
            #expect(mapping.use.furtherRequests == 1)
            await mapping.released()
            #expect(completions.drain() == [])
        }
    }

    @Test("a mapping that counts both names each")
    func both() async throws {
        try await withFakeAdapter { adapter, _ in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var shared = try adapter.createSharedReceiveQueue(depth: 8)
            let mapping = try adapter.map()
            var queuePairs: [BoxedQueuePair] = []
            for _ in 0..<5 {
                var queuePair = try adapter.connectedQueuePair(completions)
                try queuePair.receive(into: mapping, 0..<8)
                queuePairs.append(BoxedQueuePair(queuePair))
            }
            try shared.receive(into: [mapping.element(0..<8), mapping.element(8..<16)].span)
            #expect(mapping.use.furtherRequests == 1)
            #expect(mapping.use.queues.count == 4)
            let description = "2 uses by receives of shared receive queue 1, 1 uses by requests of further queues"
            #expect(mapping.use.description.hasSuffix(description))
            for queuePair in queuePairs { queuePair.close() }
            try shared.close()
            mapping.releaseNow()
        }
    }
}
