import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("Silent requests")
struct SilentTailTests {
    @Test("[37] hold the mapping until they are done, and show no result")
    func heldUntilDone() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var mapping = try adapter.map()
            try queuePair.send(mapping, 0..<8, flags: .silentSuccess)
            mapping = try mapping.expectBusy()
            // A refused release has the tail completed, so that the next one does not meet it for ever.
            #expect(eventually { device.sends(on: queuePair.number).count == 2 })
            device.complete(queuePair.number, sends: 2)
            #expect(completions.drain().isEmpty)
            mapping.releaseNow()
        }
    }

    @Test("[37] are completed by a marker when somebody waits for the mapping")
    func marker() async throws {
        try await withFakeAdapter(over: FakeDevice(carriesOutSendsAtOnce: true)) { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            for _ in 0..<3 { try queuePair.send(mapping, 0..<8, flags: .silentSuccess) }
            await mapping.released()
            #expect(completions.drain().isEmpty)
        }
    }

    @Test("[38] never block the queue: 10,000 of them, with any depth", arguments: [1, 2, 3, 8])
    func run(depth: Int) async throws {
        try await withFakeAdapter(over: FakeDevice(carriesOutSendsAtOnce: true)) { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(
                completions, capacity: LAM.QueuePairCapacity(sendDepth: depth, receiveDepth: 1))
            let mapping = try adapter.map()
            for _ in 0..<10_000 {
                try queuePair.write(mapping, 0..<8, to: RemoteMemory(address: 0, key: 1), flags: .silentSuccess)
                #expect(completions.drain().isEmpty)
            }
            await mapping.released()
        }
    }

    @Test("[37] leave no gap in a poll that also meets others, however small its batch", arguments: [1, 2, 3, 16])
    func amongOthers(capacity: Int) async throws {
        try await withFakeAdapter(over: FakeDevice(carriesOutSendsAtOnce: true)) { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            // Half of the queue is unsignaled; the one that the library signals comes next.
            try queuePair.send(mapping, 0..<8, context: 1)
            for _ in 0..<5 { try queuePair.send(mapping, 0..<8, flags: .silentSuccess) }
            let remote = RemoteMemory(address: 0, key: 1)
            try queuePair.write(mapping, 0..<8, to: remote, context: 2)
            try queuePair.read(into: mapping, 0..<8, from: remote, context: 3)
            var batch = CompletionBatch(capacity: capacity)
            var results: [Completion] = []
            while results.count < 3 {
                #expect(completions.poll(into: &batch) == min(capacity, 3 - results.count))
                batch.forEach { results.append($0) }
                if batch.count == 0 { break }
            }
            #expect(results.map(\.context) == [1, 2, 3])
            #expect(results.map(\.operation) == [.send, .write, .read])
            #expect(results.allSatisfy { $0.status == .success && $0.queuePairNumber == queuePair.number })
            await mapping.released()
        }
    }

    @Test("[38] do not block the queue when the device refused the one that was to be signaled")
    func refusedSignal() async throws {
        try await withFakeAdapter(over: FakeDevice(carriesOutSendsAtOnce: true)) { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            // Half of the queue is unsignaled; the one that the library signals comes next, and is refused.
            for _ in 0..<4 { try queuePair.send(mapping, 0..<8, flags: .silentSuccess) }
            device.inject(ENOMEM, into: .postSend)
            #expect(throws: PostError.verbFailed(verb: "ibv_post_send", errno: ENOMEM)) {
                try queuePair.send(mapping, 0..<8, flags: .silentSuccess)
            }
            for _ in 0..<100 {
                try queuePair.send(mapping, 0..<8, flags: .silentSuccess)
                #expect(completions.drain().isEmpty)
            }
            await mapping.released()
        }
    }

    @Test("[89] show their failure, with their context")
    func failing() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            try queuePair.send(mapping, 0..<8, context: 1, flags: .silentSuccess)
            try queuePair.send(mapping, 0..<8, context: 2, flags: .silentSuccess)
            device.fail(queuePair.number, status: .remoteAccessError)
            let results = completions.take(2)
            #expect(results.map(\.context) == [1, 2])
            #expect(results.map(\.status) == [.remoteAccessError, .flushed])
            await mapping.released()
        }
    }

    @Test("are completed by a marker also after a deferred one that a failed post handed over")
    func markerAfterDeferred() async throws {
        try await withFakeAdapter(over: FakeDevice(carriesOutSendsAtOnce: true)) { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            try queuePair.send(mapping, 0..<8, flags: [.silentSuccess, .defer])
            let stranger = [ScatterGatherElement(address: mapping.baseAddress, length: 1, token: 0)]
            #expect(throws: PostError.wrongToken(element: 0)) { try queuePair.send(stranger.span) }
            mapping.release()
            let isReleased = eventually(within: .seconds(2)) { adapter.statistics.liveMappings == 0 }
            #expect(isReleased)
            queuePair.close()
        }
    }

    @Test("that are done already do not hold up the end of their queue pair", arguments: [true, false])
    func end(isFailing: Bool) async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            for _ in 0..<3 { try queuePair.send(mapping, 0..<8, flags: .silentSuccess) }
            device.complete(queuePair.number, sends: 3)
            // Nor does a request behind them that is signaled, and that the device never gets.
            try queuePair.send(mapping, 0..<8, context: 1, flags: .defer)
            // The device failed, and the silent requests had succeeded before: nothing is flushed.
            if isFailing { device.fail(queuePair.number) }
            let polls = device.callCount(.pollCompletionQueue)
            queuePair.close()
            // It does not poll on and on for what cannot come.
            #expect(device.callCount(.pollCompletionQueue) < polls + 20)
            mapping.releaseNow()
            #expect(completions.drain().map(\.context) == [1])
        }
    }
}
