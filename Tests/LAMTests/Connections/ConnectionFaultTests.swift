import CRDMA
import Glibc
import LAM
import TestSupport
import Testing
import Verbs

/// Whatever call fails: an error comes back, and nothing is left.
@Suite(.timeLimit(.minutes(1)))
struct ConnectionFaultTests {
    @Test(
        "A failing call of an active open leaves nothing behind",
        arguments: [
            (Verb.createEventChannel, 1), (.createIdentifier, 1), (.setOption, 1), (.resolveAddress, 1),
            (.resolveRoute, 1), (.connect, 1), (.initializeAttributes, 1), (.initializeAttributes, 2),
            (.initializeAttributes, 3), (.modifyQueuePair, 1), (.modifyQueuePair, 2), (.modifyQueuePair, 3),
            (.establish, 1),
        ])
    func active(verb: Verb, call: Int) async throws {
        let device = FakeDevice()
        try await failing(verb, call, on: device) { stage in
            let queuePair = try stage.queuePair()
            device.inject(ENOMEM, into: verb, call: call)
            return try await stage.adapter.connect(queuePair, to: ConnectionStage.peer)
        }
    }

    @Test(
        "A failing call of a passive open leaves nothing behind",
        arguments: [
            (Verb.createEventChannel, 1), (.createIdentifier, 1), (.bindAddress, 1), (.listen, 1),
            (.initializeAttributes, 1), (.initializeAttributes, 2), (.initializeAttributes, 3), (.modifyQueuePair, 1),
            (.modifyQueuePair, 2), (.modifyQueuePair, 3), (.accept, 1),
        ])
    func passive(verb: Verb, call: Int) async throws {
        let device = FakeDevice()
        try await failing(verb, call, on: device) { stage in
            let queuePair = try stage.queuePair()
            device.inject(ENOMEM, into: verb, call: call)
            let (listener, connector) = try await stage.requested()
            try await connector.accept(queuePair)
            await listener.close()
            return connector
        }
    }

    @Test("A peer that has gone meanwhile is an abortion", arguments: [Verb.initializeAttributes, .establish])
    func gone(verb: Verb) async throws {
        let device = FakeDevice()
        let stage = try ConnectionStage(device: device, verbs: device.selfAnswering)
        let queuePair = try stage.queuePair()
        device.inject(EINVAL, into: verb)
        await #expect(throws: ConnectionError.aborted(ConnectionStage.peer, privateData: [])) {
            _ = try await stage.adapter.connect(queuePair, to: ConnectionStage.peer)
        }
    }

    @Test("A refused destruction is tried again")
    func refusedDestruction() async throws {
        let device = FakeDevice()
        device.inject(EBUSY, into: .destroyIdentifier)
        do {
            let stage = try ConnectionStage(device: device, verbs: device.selfAnswering)
            let queuePair = try stage.queuePair()
            let connector = try await stage.adapter.connect(queuePair, to: ConnectionStage.peer)
            try await connector.disconnect()
        }
        try await device.isEmpty()
        #expect(device.callCount(.destroyIdentifier) == 2)
    }

    @Test("Whatever works leaves nothing behind either")
    func control() async throws {
        let device = FakeDevice()
        do {
            let stage = try ConnectionStage(device: device, verbs: device.selfAnswering)
            let queuePair = try stage.queuePair()
            let connector = try await stage.adapter.connect(queuePair, to: ConnectionStage.peer)
            #expect(connector.state == .connected)
        }
        try await device.isEmpty()
        #expect(device.callCount(.createIdentifier) == device.callCount(.destroyIdentifier))
    }

    /// Runs what is to fail, and checks that it did and that everything is gone afterwards.
    private func failing(
        _ verb: Verb, _ call: Int, on device: FakeDevice,
        _ body: (ConnectionStage) async throws -> Connector
    ) async throws {
        do {
            let stage = try ConnectionStage(device: device, verbs: device.selfAnswering)
            await #expect(throws: ConnectionError.verbFailed(verb: verb.description, errno: ENOMEM)) {
                _ = try await body(stage)
            }
        }
        try await device.isEmpty()
    }
}

extension FakeDevice {
    /// Waits until nothing is left of an adapter that was dropped, and checks that nothing went wrong on the way.
    func isEmpty() async throws {
        for _ in 0..<5000 where liveObjectCount > 0 { try await Task.sleep(for: .milliseconds(1)) }
        #expect(liveObjectCount == 0)
        #expect(violations.isEmpty)
        #expect(abandoned.isEmpty)
    }
}
