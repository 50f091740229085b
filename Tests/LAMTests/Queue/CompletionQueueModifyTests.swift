import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb
import struct Verbs.Moderation

@Suite("A completion queue that is changed")
struct CompletionQueueModifyTests {
    @Test("becomes deeper and less deep with results in it, none of which is lost, and holds all that is outstanding")
    func resize() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 4)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            for context in 0..<6 as Range<UInt64> { try queuePair.send(mapping, 0..<8, context: context) }
            device.complete(queuePair.number, sends: 3)
            try completions.resize(depth: 100)
            #expect(completions.depth >= 100)
            device.complete(queuePair.number, sends: 3)
            #expect(throws: AdapterError.limitExceeded(what: "waiting completions", asked: 6, limit: 5)) {
                try completions.resize(depth: 5)
            }
            #expect(completions.depth >= 100)
            try completions.resize(depth: 6)
            // Nine sends, with the marker, and eight receives.
            #expect((17..<100).contains(completions.depth))
            #expect(completions.drain().map(\.context) == [0, 1, 2, 3, 4, 5])
            try completions.resize(depth: 1)
            #expect(completions.depth >= 17)
            #expect(throws: AdapterError.limitExceeded(what: "completion queue depth", asked: 32_768, limit: 32_767)) {
                try completions.resize(depth: 32_768)
            }
            device.inject(ENOSYS, into: .resizeCompletionQueue)
            #expect(throws: AdapterError.verbFailed(verb: "ibv_resize_cq", errno: ENOSYS)) {
                try completions.resize(depth: 200)
            }
            for _ in 0..<8 { try queuePair.receive(into: mapping, 0..<8) }
            for _ in 0..<8 { try queuePair.send(mapping, 0..<8) }
            queuePair.close()
            #expect(completions.drain().count == 16)
            mapping.releaseNow()
        }
    }

    @Test("[105] moderates by a count, an interval or both, the latest setting counts")
    func moderate() async throws {
        try await withFakeAdapter { adapter, device in
            device.allowModeration(upTo: Moderation(count: 1000, microseconds: 4095))
            let completions = try adapter.createCompletionQueue(depth: 100)
            let depth = completions.depth
            try completions.moderate(count: 10, interval: .microseconds(20))
            try completions.moderate(count: 10, interval: nil)
            try completions.moderate(count: nil, interval: .nanoseconds(1500))
            try completions.moderate(count: depth + 1, interval: .seconds(1))
            try completions.moderate(count: 1, interval: nil)
            try completions.moderate(count: 10, interval: .zero)
            #expect(
                device.moderations == [
                    Moderation(count: 10, microseconds: 20), Moderation(count: 10, microseconds: 4095),
                    Moderation(count: 1000, microseconds: 2), Moderation(count: 1000, microseconds: 4095), .off, .off,
                ])
        }
    }

    @Test("[105] is not moderated without any limit, nor on a device that cannot")
    func refused() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 100)
            #expect(throws: AdapterError.moderationNotSupported) { try completions.moderate(count: 10, interval: nil) }
            #expect(throws: AdapterError.moderationNotSupported) { try completions.moderate(count: nil, interval: nil) }
            device.allowModeration(upTo: Moderation(count: 1000, microseconds: 4095))
            #expect(throws: AdapterError.moderationUnlimited) { try completions.moderate(count: nil, interval: nil) }
            let depth = completions.depth
            #expect(throws: AdapterError.moderationUnlimited) {
                try completions.moderate(count: depth + 1, interval: nil)
            }
            #expect(device.moderations == [])
            device.inject(EINVAL, into: .modifyCompletionQueue)
            #expect(throws: AdapterError.verbFailed(verb: "ibv_modify_cq", errno: EINVAL)) {
                try completions.moderate(count: 10, interval: nil)
            }
        }
    }
}
