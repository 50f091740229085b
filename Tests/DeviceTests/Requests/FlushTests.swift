import Glibc
import LAM
import TestSupport
import Testing

extension OnDevice {
    /// Cancelling what is posted. Rule 2.9.
    @Suite("A flush")
    struct FlushTests {
        @Test("[43] cancels receives and sends, once each, and frees what they hold; the peer's stay")
        func both() throws {
            var pair = try Pair()
            let mapping = try pair.map()
            let inbox = try Inbox(of: pair.adapter)
            for context in 0..<8 as Range<UInt64> {
                try pair.near.queuePair.receive(into: mapping, 0..<8, context: context)
                try pair.near.queuePair.send(
                    mapping, 0..<8, context: 8 + context, flags: context % 2 == 0 ? .silentSuccess : [])
            }
            pair.near.queuePair.flush()
            let results = try pair.near.completions.next(16)
            #expect(results.map(\.context).sorted() == Array(0..<16))
            #expect(results.allSatisfy { $0.status == .flushed })
            expectRefused(.ended) { () throws(PostError) in try pair.near.queuePair.receive(into: mapping, 0..<8) }
            try pair.expectMessages(1, in: inbox)
            #expect(pair.far.completions.poll(for: .milliseconds(50)).isEmpty)
            expectIdle(mapping)
            inbox.close()
            try pair.close()
        }

        @Test("[93] of another thread beside posts: each request that was posted completes once", arguments: 0..<20)
        func besidePosts(seed: UInt32) throws {
            var pair = try Pair()
            let target = try pair.openTarget()
            let mapping = try pair.map()
            let handle = pair.near.queuePair.handle
            let flushing = TestThread {
                usleep(seed * 300)
                handle.flush()
            }
            var posted: [UInt64] = []
            var results: [Completion] = []
            for context in 0..<10_000_000 as Range<UInt64> {
                do throws(PostError) {
                    switch context % 3 {
                    case 0: try pair.near.queuePair.receive(into: mapping, 0..<8, context: context)
                    case 1: try pair.near.queuePair.write(mapping, 0..<8, to: target.remote, context: context)
                    default:
                        try pair.near.queuePair.write(
                            mapping, 0..<8, to: target.remote, context: context, flags: .defer)
                    }
                    posted.append(context)
                } catch {
                    if error == .ended { break }
                    results += pair.near.completions.poll()
                }
            }
            flushing.join()
            results += try pair.near.completions.next(posted.count - results.count)
            #expect(results.map(\.context).sorted() == posted)
            #expect(results.allSatisfy { [.success, .flushed].contains($0.status) })
            #expect(pair.near.completions.poll(for: .milliseconds(20)).isEmpty)
            target.close()
            expectIdle(mapping)
            try pair.close()
        }
    }
}
