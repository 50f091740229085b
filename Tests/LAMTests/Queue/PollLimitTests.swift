import LAM
import TestSupport
import Testing

@Suite("A poll with a limit")
struct PollLimitTests {
    @Test("takes no more than it is asked for, leaves the rest in order, and passes over silent successes")
    func limits() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 16)
            var queuePair = try adapter.connectedQueuePair(completions)
            var batch = CompletionBatch(capacity: 4)
            let mapping = try adapter.map()
            for context in 0..<7 as Range<UInt64> {
                try queuePair.send(mapping, 0..<8, context: context, flags: context == 1 ? .silentSuccess : [])
            }
            device.complete(queuePair.number, sends: 7)
            var found: [[UInt64]] = []
            for limit in [0, 2, -1, 1, 100, 100] {
                let count = completions.poll(into: &batch, atMost: limit)
                #expect(batch.count == count)
                found.append(batch.indices.map { batch[$0].context })
            }
            #expect(found == [[], [0, 2], [], [3], [4, 5, 6], []])
            #expect(batch.capacity == 4)
            queuePair.close()
            mapping.releaseNow()
        }
    }
}
