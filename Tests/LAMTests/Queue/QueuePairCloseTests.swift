import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("Ending a queue pair")
struct QueuePairCloseTests {
    @Test("[44] leaves every mapping releasable, and every result in its completion queue")
    func outstanding() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let sent = try adapter.map()
            let received = try adapter.map()
            try queuePair.send(sent, 0..<8, context: 1)
            try queuePair.send(sent, 0..<8, context: 2)
            try queuePair.send(sent, 0..<8, context: 3, flags: .silentSuccess)
            try queuePair.receive(into: received, 0..<8, context: 4)
            device.complete(queuePair.number)
            queuePair.close()
            sent.releaseNow()
            received.releaseNow()
            let results = completions.drain().sorted { $0.context < $1.context }
            #expect(results.map(\.context) == [1, 2, 3, 4])
            #expect(results.map(\.status) == [.success, .flushed, .flushed, .flushed])
        }
    }

    @Test("[44] ends it once, whether it is closed or dropped", arguments: [true, false])
    func once(isClosed: Bool) async throws {
        try await withFakeAdapter { adapter, device in
            // Opening tries queue pairs out.
            let probes = device.callCount(.destroyQueuePair)
            let completions = try adapter.createCompletionQueue(depth: 8)
            let queuePair = try adapter.connectedQueuePair(completions)
            if isClosed { queuePair.close() } else { _ = consume queuePair }
            #expect(eventually { device.queuePairNumbers.isEmpty })
            #expect(device.callCount(.destroyQueuePair) == probes + 1)
            // Queue pairs are ended in turn: whatever was still to be done for the first is done after this.
            _ = try adapter.connectedQueuePair(completions)
            #expect(eventually { device.callCount(.destroyQueuePair) == probes + 2 })
        }
    }

    @Test("gives the room in the completion queue back exactly once")
    func room() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 1)
            let capacity = LAM.QueuePairCapacity(sendDepth: 7, receiveDepth: 8)
            for _ in 0..<3 {
                try adapter.connectedQueuePair(completions, capacity: capacity).close()
                try adapter.map().release()
                #expect(eventually { adapter.statistics.liveMappings == 0 })
            }
            // Three queue pairs more at a time: 48 completions that must find room, and do.
            var first = try adapter.connectedQueuePair(completions, capacity: capacity)
            var second = try adapter.connectedQueuePair(completions, capacity: capacity)
            var third = try adapter.connectedQueuePair(completions, capacity: capacity)
            #expect(completions.depth >= 48)
            let mapping = try adapter.map()
            for _ in 0..<8 {
                try first.receive(into: mapping, 0..<1)
                try second.receive(into: mapping, 0..<1)
                try third.receive(into: mapping, 0..<1)
            }
        }
    }

    @Test("does not touch it any more afterwards, although a failure was noted just before")
    func failureBeforeEnd() async throws {
        let device = FakeDevice()
        let gate = VerbGate()
        do {
            let adapter = try Adapter.open(over: gate.guarding(device.verbs))
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            // The thread that would move it to the error state is busy elsewhere.
            gate.shut()
            _ = try adapter.connectedQueuePair(completions)
            try #require(eventually { gate.isOccupied })
            try queuePair.send(mapping, 0..<8)
            device.fail(queuePair.number)
            #expect(completions.take(1).map(\.status) == [.retriesExceeded])
            queuePair.close()
            gate.open()
            mapping.release()
            #expect(eventually { adapter.statistics.liveMappings == 0 })
        }
        expectNothingLeft(of: device)
    }

    @Test("keeps what was deferred and never handed over: it completes as flushed", arguments: [true, false])
    func deferred(isClosed: Bool) async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            try queuePair.send(mapping, 0..<8, context: 1, flags: .defer)
            try queuePair.send(mapping, 0..<8, context: 2, flags: .defer)
            if isClosed { queuePair.close() } else { _ = consume queuePair }
            let results = completions.take(2)
            #expect(results.map(\.context) == [1, 2])
            #expect(results.map(\.status) == [.flushed, .flushed])
            await mapping.released()
        }
    }

    @Test("keeps deferred requests also when it had failed before", arguments: [true, false])
    func deferredAfterFailure(isClosed: Bool) async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            try queuePair.send(mapping, 0..<8, context: 1)
            try queuePair.send(mapping, 0..<8, context: 2, flags: .defer)
            device.fail(queuePair.number)
            #expect(completions.take(1).map(\.context) == [1])
            #expect(eventually { device.callCount(.modifyQueuePair) >= 4 })
            if isClosed { queuePair.close() } else { _ = consume queuePair }
            let results = completions.take(1)
            #expect(results.map(\.context) == [2])
            #expect(results.map(\.status) == [.flushed])
            await mapping.released()
        }
    }

    @Test("keeps deferred requests behind those that the device takes its time to flush", arguments: [1, 0])
    func deferredBehindLateFlush(arriving: Int) async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var batch = CompletionBatch()
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            device.flushLate()
            try queuePair.send(mapping, 0..<8, context: 1)
            try queuePair.send(mapping, 0..<8, context: 2, flags: .defer)
            device.reportFailure(of: queuePair.number)
            // Longer than anybody waits for what is flushed.
            try await Task.sleep(for: .milliseconds(800))
            #expect(completions.poll(into: &batch) == 0)
            device.deliverLate(atMost: arriving)
            queuePair.close()
            let expected: [UInt64] = arriving == 1 ? [1, 2] : [2]
            #expect(completions.take(arriving + 1).map(\.context) == expected)
            device.deliverLate(atMost: .max)
            await mapping.released()
        }
    }

    @Test("is tried again where the device refuses to destroy it")
    func refused() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            let queuePair = try adapter.connectedQueuePair(completions)
            device.inject(EBUSY, into: .destroyQueuePair, times: 3)
            queuePair.close()
            #expect(device.queuePairNumbers.isEmpty)
            #expect(adapter.statistics.refusedDestructions == 3)
        }
    }
}
