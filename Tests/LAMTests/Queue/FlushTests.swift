import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("A flush")
struct FlushTests {
    @Test(
        "[43] cancels both queues: each request completes once, silent or not, deferred or not, and frees its mapping")
    func both() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            try queuePair.receive(into: mapping, 0..<8, context: 1)
            try queuePair.send(mapping, 0..<8, context: 2)
            try queuePair.send(mapping, 0..<8, context: 3, flags: .silentSuccess)
            try queuePair.send(mapping, 0..<8, context: 4, flags: .defer)
            queuePair.flush()
            queuePair.flush()
            let results = completions.take(4)
            #expect(results.map(\.context).sorted() == [1, 2, 3, 4])
            #expect(results.allSatisfy { $0.status == .flushed })
            #expect(throws: PostError.ended) { try queuePair.send(mapping, 0..<8) }
            #expect(throws: PostError.ended) { try queuePair.receive(into: mapping, 0..<8) }
            settle()
            #expect(completions.drain().isEmpty)
            mapping.releaseNow()
        }
    }

    @Test("before the connection cancels receives")
    func unconnected() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.createQueuePair(completions: completions, capacity: smallCapacity)
            let mapping = try adapter.map()
            try queuePair.receive(into: mapping, 0..<8, context: 1)
            queuePair.flush()
            #expect(completions.take(1).map(\.status) == [.flushed])
            #expect(throws: PostError.ended) { try queuePair.send(mapping, 0..<8) }
            mapping.releaseNow()
        }
    }

    @Test("[93] beside posts: each request whose post succeeded completes exactly once", arguments: 0..<40)
    func besidePosts(seed: Int) async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 64)
            let queuePair = BoxedQueuePair(try adapter.connectedQueuePair(completions))
            let handle = queuePair.handle
            let mapping = try adapter.mapBoxed()
            let posted = SharedValue<Set<UInt64>>([])
            let posting = TestThread {
                var context: UInt64 = 0
                while true {
                    context += 1
                    do throws(PostError) {
                        try queuePair.post { (queuePair) throws(PostError) in
                            let elements = [mapping.element]
                            switch context % 4 {
                            case 0: try queuePair.receive(into: elements.span, context: context)
                            case 1: try queuePair.send(elements.span, context: context)
                            case 2: try queuePair.send(elements.span, context: context, flags: .silentSuccess)
                            default: try queuePair.send(elements.span, context: context, flags: .defer)
                            }
                        }
                        posted.update { $0.insert(context) }
                    } catch {
                        if error == .ended { return }
                    }
                }
            }
            usleep(UInt32(seed * 7))
            handle.flush()
            posting.join()
            let results = completions.take(posted.value.count)
            #expect(results.map(\.context).sorted() == posted.value.sorted())
            #expect(results.allSatisfy { $0.status == .flushed })
            settle()
            #expect(completions.drain().isEmpty)
            queuePair.close()
            handle.flush()
            mapping.take()?.releaseNow()
        }
    }
}
