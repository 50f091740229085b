import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("Releasing a mapping")
struct ReleaseTests {
    @Test("[34] succeeds without requests, and its addresses fail inline afterwards")
    func idle() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            let element = mapping.element(0..<8)
            mapping.releaseNow()
            #expect(throws: PostError.unknownAddress(element: 0)) { try queuePair.send([element].span) }
            #expect(throws: PostError.unknownAddress(element: 0)) { try queuePair.receive(into: [element].span) }
            #expect(device.sends(on: queuePair.number).isEmpty)
            // [55] Nor does another mapping answer to them.
            for _ in 0..<10 {
                let other = try adapter.map()
                #expect(throws: PostError.unknownAddress(element: 0)) { try queuePair.send([element].span) }
                other.releaseNow()
            }
        }
    }

    @Test("[35] is refused while a receive is posted, until its completion is polled")
    func receive() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var mapping = try adapter.map()
            try queuePair.receive(into: mapping, 0..<8, context: 7)
            mapping = try mapping.expectBusy()
            device.completeReceive(queuePair.number, byteCount: 5)
            let results = completions.take(1)
            #expect(results.map(\.context) == [7])
            #expect(results.map(\.byteCount) == [5])
            mapping.releaseNow()
        }
    }

    @Test(
        "[36] is refused while a send, a write or a read is posted, whichever element names it",
        arguments: [Operation.send, .write, .read], 0..<3)
    func send(operation: LAM.Operation, position: Int) async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let others = try adapter.map()
            var mapping = try adapter.map()
            var elements = [ScatterGatherElement](repeating: others.element(0..<8), count: 3)
            elements[position] = mapping.element(8..<16)
            let remote = RemoteMemory(address: 0, key: 1)
            switch operation {
            case .write: try queuePair.write(elements.span, to: remote)
            case .read: try queuePair.read(into: elements.span, from: remote)
            default: try queuePair.send(elements.span)
            }
            mapping = try mapping.expectBusy()
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.operation) == [operation])
            mapping.releaseNow()
            others.releaseNow()
        }
    }

    @Test("[39] that was deferred completes exactly once, after the last of several uses")
    func deferredOnce() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var first = try adapter.connectedQueuePair(completions)
            var second = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            try first.send(mapping, 0..<8)
            try second.send(mapping, 0..<8)
            try second.receive(into: mapping, 0..<8)
            let deregistrations = device.callCount(.deregisterRegion)
            mapping.release()
            device.complete(first.number)
            device.complete(second.number)
            usleep(20_000)
            #expect(device.callCount(.deregisterRegion) == deregistrations)
            device.completeReceive(second.number)
            #expect(eventually { adapter.statistics.releases == 1 })
            #expect(device.callCount(.deregisterRegion) == deregistrations + 1)
            #expect(adapter.statistics.deferredReleases == 1)
        }
    }

    @Test("[39] makes progress by itself: what nobody polls is polled, and its results wait in order")
    func nobodyPolls() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            for context in 1...5 as ClosedRange<UInt64> { try queuePair.send(mapping, 0..<8, context: context) }
            device.complete(queuePair.number, sends: 5)
            await mapping.released()
            let later = try adapter.map()
            try queuePair.send(later, 0..<8, context: 6)
            device.complete(queuePair.number)
            #expect(completions.drain().map(\.context) == [1, 2, 3, 4, 5, 6])
        }
    }

    @Test("[40] is not held up by an inline send, which names no mapping")
    func inline() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            let bytes: [UInt8] = [1, 2, 3]
            try unsafe queuePair.send(inline: bytes.span.bytes)
            let use = mapping.use
            #expect(use.isEmpty)
            mapping.releaseNow()
        }
    }

    @Test("[43] is possible after a flush, whose results come once each")
    func flush() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            for context in 1...4 as ClosedRange<UInt64> {
                try queuePair.send(mapping, 0..<8, context: context, flags: context < 3 ? .silentSuccess : [])
                try queuePair.receive(into: mapping, 0..<8, context: 10 + context)
            }
            device.fail(queuePair.number, status: .remoteOperationError)
            let results = completions.take(8).sorted { $0.context < $1.context }
            #expect(results.map(\.context) == [1, 2, 3, 4, 11, 12, 13, 14] as [UInt64])
            #expect(results.first?.status == .remoteOperationError)
            #expect(results.dropFirst().allSatisfy { $0.status == .flushed })
            mapping.releaseNow()
            queuePair.close()
            #expect(completions.drain().isEmpty)
        }
    }
}
