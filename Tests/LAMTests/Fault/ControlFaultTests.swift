import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("A control verb that fails")
struct ControlFaultTests {
    /// What an application does from beginning to end; it throws at the first failure.
    private func useEverything(_ device: FakeDevice, afterOpening prepare: () -> Void = {}) throws {
        let adapter = try Adapter.open(over: device.verbs)
        prepare()
        var sends = try adapter.createCompletionQueue(depth: 4)
        let receives = try adapter.createCompletionQueue(depth: 4)
        var queuePair = try adapter.createQueuePair(
            sendCompletions: sends, receiveCompletions: receives, capacity: smallCapacity)
        try queuePair.connect(to: queuePair.address)
        let window = try adapter.createMemoryWindow()
        let mapping = try adapter.map()
        let other = try adapter.map(pages: 2)
        _ = try queuePair.bind(window, over: mapping, 0..<8, access: [.read, .write])
        try queuePair.send(other, 0..<8, flags: .silentSuccess)
        try queuePair.receive(into: other, 0..<8)
        device.complete(queuePair.number, sends: 2)
        _ = sends.take(1, within: .milliseconds(50))
        try queuePair.invalidate(window)
        var batch = CompletionBatch()
        // The first wait arms the queue, the last one finds the event.
        _ = try sends.wait(into: &batch, atMost: .milliseconds(1))
        device.complete(queuePair.number)
        _ = try sends.wait(into: &batch, atMost: .milliseconds(50))
        _ = try sends.wait(into: &batch, atMost: .milliseconds(1))
        try useSharedQueue(adapter, sends, other)
        mapping.release()
        queuePair.close()
        other.release()
        _ = consume window
        _ = consume sends
        _ = consume receives
        try adapter.close(waiting: .seconds(10))
    }

    private func useSharedQueue(
        _ adapter: Adapter, _ completions: borrowing LAM.CompletionQueue, _ mapping: borrowing LogicalAddressMapping
    ) throws {
        var shared = try adapter.createSharedReceiveQueue(depth: 4, threshold: 2)
        let queuePair = try adapter.connectedQueuePair(completions, receivesFrom: shared)
        try shared.receive(into: mapping, 0..<8)
        try shared.modify(depth: 8, threshold: 1)
        queuePair.close()
        try shared.close()
    }

    private static let creatingVerbs: [Verb] = [
        .getDeviceList, .openDevice, .queryDevice, .queryPort, .queryAddresses, .allocateDomain, .registerRegion,
        .allocateWindow, .createCompletionChannel, .createCompletionQueue, .resizeCompletionQueue, .createQueuePair,
        .createSharedQueue, .modifySharedQueue, .postSharedReceive, .modifyQueuePair, .postSend, .postReceive,
        .armCompletionQueue, .getCompletionEvent,
    ]

    private static let destroyingVerbs: [Verb] = [
        .deregisterRegion, .deallocateWindow, .destroyQueuePair, .destroySharedQueue,
    ]

    @Test("leaves nothing behind, whichever it is and whichever call of it", arguments: creatingVerbs)
    func creating(verb: Verb) throws {
        let calls = try callCount(of: verb)
        for call in 1...max(1, calls) {
            let device = FakeDevice()
            device.inject(EIO, into: verb, call: call)
            do {
                try useEverything(device)
            } catch let error as AdapterError {
                // Inline data is probed for until it works; a failed probe is none.
                #expect(error == .verbFailed(verb: verb.rawValue, errno: EIO), "call \(call)")
            } catch let error as MappingError {
                #expect(error == .verbFailed(verb: verb.rawValue, errno: EIO), "call \(call)")
            } catch let error as PostError {
                #expect(error == .verbFailed(verb: verb.rawValue, errno: EIO), "call \(call)")
            }
            expectNothingLeft(of: device)
        }
    }

    @Test("is asked again where it destroys, and nothing is left", arguments: destroyingVerbs)
    func destroying(verb: Verb) throws {
        let calls = try callCount(of: verb)
        for call in 1...calls {
            let device = FakeDevice()
            try useEverything(device) { device.inject(EBUSY, into: verb, call: call) }
            #expect(eventually { device.liveObjectCount == 0 }, "call \(call)")
            #expect(device.violations == [], "call \(call)")
            #expect(device.abandoned == [], "call \(call)")
        }
    }

    /// How often an undisturbed run calls a verb.
    private func callCount(of verb: Verb) throws -> Int {
        let device = FakeDevice()
        try useEverything(device)
        expectNothingLeft(of: device)
        let count = device.callCount(verb)
        #expect(count > 0, "the run never calls \(verb)")
        return count
    }

    @Test("gives the room in a completion queue back")
    func room() async throws {
        try await withFakeAdapter { adapter, device in
            let sends = try adapter.createCompletionQueue(depth: 1)
            let receives = try adapter.createCompletionQueue(depth: 1)
            let capacity = LAM.QueuePairCapacity(sendDepth: 20_000, receiveDepth: 20_000)
            // More than fits together, but not alone: nothing of what failed may remain.
            for _ in 0..<3 {
                device.inject(ENOMEM, into: .createQueuePair)
                #expect(throws: AdapterError.verbFailed(verb: "ibv_create_qp", errno: ENOMEM)) {
                    _ = try adapter.createQueuePair(
                        sendCompletions: sends, receiveCompletions: receives, capacity: capacity)
                }
                device.inject(ENOMEM, into: .modifyQueuePair)
                #expect(throws: AdapterError.verbFailed(verb: "ibv_modify_qp", errno: ENOMEM)) {
                    _ = try adapter.createQueuePair(
                        sendCompletions: sends, receiveCompletions: receives, capacity: capacity)
                }
            }
            let both = #expect(throws: AdapterError.self) {
                _ = try adapter.createQueuePair(completions: sends, capacity: capacity)
            }
            #expect(both == .limitExceeded(what: "requests completing on one queue", asked: 40_001, limit: 32_767))
            let queuePair = try adapter.createQueuePair(
                sendCompletions: sends, receiveCompletions: receives, capacity: capacity)
            #expect(sends.depth >= 20_001)
            queuePair.close()
        }
    }

    @Test("of moving a queue pair to the error state neither keeps its memory nor its end", arguments: [true, false])
    func noErrorState(isFailing: Bool) async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            try queuePair.send(mapping, 0..<8)
            device.inject(EIO, into: .modifyQueuePair, times: 100)
            if isFailing { device.fail(queuePair.number) }
            queuePair.close()
            mapping.releaseNow()
            _ = completions.drain()
        }
    }
}
