import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("A queue pair that fails")
struct QueuePairFailureTests {
    @Test("[90] refuses posts from the first failure that is polled, and flushes what came after it")
    func firstFailure() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            try queuePair.send(mapping, 0..<8, context: 1)
            device.fail(queuePair.number, status: .remoteAccessError)
            // Nobody has polled it yet: the device takes both, and flushes what it is told of.
            try queuePair.send(mapping, 0..<8, context: 2)
            try queuePair.receive(into: mapping, 0..<8, context: 3)
            // The receive that came late is flushed by a second move to the error state only (T14).
            let results = completions.take(3)
            #expect(results.map(\.context) == [1, 2, 3])
            #expect(results.map(\.status) == [.remoteAccessError, .flushed, .flushed])
            #expect(throws: PostError.ended) { try queuePair.send(mapping, 0..<8) }
            #expect(throws: PostError.ended) { try queuePair.receive(into: mapping, 0..<8) }
            let isConnected = queuePair.isConnected
            #expect(!isConnected)
            mapping.releaseNow()
        }
    }

    @Test("[47] of one connection leaves the others alone")
    func others() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var other = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            try queuePair.send(mapping, 0..<8, context: 1)
            try other.send(mapping, 0..<8, context: 2)
            device.fail(queuePair.number, status: .remoteInvalidRequest)
            device.complete(other.number)
            let results = completions.take(2).sorted { $0.context < $1.context }
            #expect(results.map(\.status) == [.remoteInvalidRequest, .success])
            try other.send(mapping, 0..<8, context: 3)
            device.complete(other.number)
            #expect(completions.take(1).map(\.context) == [3])
            mapping.releaseNow()
        }
    }

    @Test("that the adapter notices itself, because nobody polls, refuses posts as well")
    func noticedByTheAdapter() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            let other = try adapter.map()
            try queuePair.send(mapping, 0..<8, context: 1)
            device.fail(queuePair.number)
            await mapping.released()
            #expect(throws: PostError.ended) { try queuePair.send(other, 0..<8) }
            #expect(completions.take(1).map(\.status) == [.retriesExceeded])
            other.releaseNow()
        }
    }

    @Test("ends its completions' queue pair even where the user has dropped the completion queue")
    func droppedCompletionQueue() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            _ = consume completions
            let mapping = try adapter.map()
            try queuePair.send(mapping, 0..<8)
            device.complete(queuePair.number)
            await mapping.released()
            queuePair.close()
        }
    }

    @Test("cannot be created on completion queues of another adapter: a trap, because only a mistake does so")
    func otherAdapter() async {
        await #expect(processExitsWith: .failure) {
            let device = FakeDevice()
            let adapter = try Adapter.open(over: device.verbs)
            let other = try Adapter.open(over: device.verbs)
            let completions = try other.createCompletionQueue(depth: 8)
            _ = try adapter.createQueuePair(completions: completions)
        }
    }

    @Test("Where there are no descriptors left, a completion queue is an error, not a trap")
    func noDescriptors() async {
        await #expect(processExitsWith: .success) {
            let device = FakeDevice()
            let adapter = try Adapter.open(over: device.verbs)
            var used: [CInt] = []
            while case let descriptor = dup(0), descriptor >= 0 { used.append(descriptor) }
            // Two are enough for the channel of the fake device, but not for the pipe behind it.
            for descriptor in used.suffix(2) { close(descriptor) }
            do {
                _ = try adapter.createCompletionQueue(depth: 8)
                exit(EXIT_FAILURE)
            } catch {
                guard error as? AdapterError == .verbFailed(verb: "pipe", errno: EMFILE) else { exit(EXIT_FAILURE) }
            }
            exit(device.completionQueueCount == 0 ? EXIT_SUCCESS : EXIT_FAILURE)
        }
    }

    @Test("A send queue that is deep enough for nothing is for receives alone")
    func receivesAlone() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(
                completions,
                capacity: LAM.QueuePairCapacity(sendDepth: 0, receiveDepth: 1, sendElements: 0, receiveElements: 1))
            let mapping = try adapter.map()
            #expect(throws: PostError.queueFull(depth: 0)) { try queuePair.send(mapping, 0..<8) }
            try queuePair.receive(into: mapping, 0..<8)
            #expect(throws: PostError.queueFull(depth: 1)) { try queuePair.receive(into: mapping, 0..<8) }
            device.completeReceive(queuePair.number)
            #expect(completions.take(1).count == 1)
            mapping.releaseNow()
        }
    }
}
