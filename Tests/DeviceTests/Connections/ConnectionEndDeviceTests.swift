import Glibc
import LAM
import Synchronization
import Testing

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ConnectionEndDeviceTests {
    @Test("[118] disconnect flushes this side; the peer hears of it exactly once, and ends too")
    func disconnect() async throws {
        let adapter = try openDevice()
        let ends = Ends()
        let pair = try await ConnectedPair.make(on: adapter) { ends.add($0) }
        for context in 1...3 { try pair.active.receive(0..<64, context: UInt64(context)) }
        try pair.passive.receive(0..<64, context: 9)
        let begin = ContinuousClock.now
        try await pair.connector.disconnect()
        print("disconnect took \(ContinuousClock.now - begin)")
        #expect(try pair.active.wait(3).map(\.status) == [.flushed, .flushed, .flushed])
        #expect(await pair.accepted.waitForDisconnect() == .disconnectedByPeer)
        #expect(try pair.passive.wait(1).map(\.status) == [.flushed])
        try await pair.accepted.disconnect()
        #expect(ends.all == [.disconnectedByPeer])
    }

    @Test("[118] without the flush the peer's receives stay posted until it disconnects itself")
    func withoutFlush() async throws {
        let adapter = try openDevice()
        var options = ConnectionOptions()
        options.flushesWhenPeerDisconnects = false
        let pair = try await ConnectedPair.make(on: adapter, options: options)
        try pair.passive.receive(0..<64, context: 9)
        try await pair.connector.disconnect()
        #expect(await pair.accepted.waitForDisconnect() == .disconnectedByPeer)
        var batch = CompletionBatch()
        #expect(try pair.passive.completions.wait(into: &batch, atMost: .milliseconds(200)) == 0)
        try await pair.accepted.disconnect()
        #expect(try pair.passive.wait(1).map(\.status) == [.flushed])
    }

    @Test("Both sides disconnect at the same time")
    func both() async throws {
        let adapter = try openDevice()
        let pair = try await ConnectedPair.make(on: adapter)
        let (connector, accepted) = (pair.connector, pair.accepted)
        async let first: Void = connector.disconnect()
        async let second: Void = accepted.disconnect()
        _ = try await (first, second)
    }

    @Test("A mapping that is released under posted receives is unpinned when the peer disconnects")
    func release() async throws {
        let adapter = try openDevice()
        let pair = try await ConnectedPair.make(on: adapter)
        try pair.passive.receive(0..<64, context: 1)
        let mapping = pair.passive.mapping.take()!
        let released = Task { [mapping = Held(mapping)] in await mapping.released() }
        try await pair.connector.disconnect()
        await released.value
    }

    @Test("Dropping a connector tells the peer")
    func dropped() async throws {
        let adapter = try openDevice()
        let accepted: Connector
        do {
            let pair = try await ConnectedPair.make(on: adapter)
            accepted = pair.accepted
        }
        // Both queue pairs go as well, and this side's own may be first.
        let end = await accepted.waitForDisconnect()
        #expect(end == .disconnectedByPeer || end == .queuePairEnded)
    }

    @Test("Closing a queue pair tells the peer")
    func closedQueuePair() async throws {
        let adapter = try openDevice()
        let listener = try await adapter.listen(on: SocketAddress(adapter.info.address, port: 0))
        let passive = try ConnectionSide(on: adapter)
        let completions = try adapter.createCompletionQueue(depth: 512)
        let queuePair = try adapter.createQueuePair(completions: completions)
        async let accepting = listener.acceptNext(passive)
        let connector = try await adapter.connect(queuePair, to: listener.address)
        let accepted = try await accepting
        queuePair.close()
        #expect(await connector.waitForDisconnect() == .queuePairEnded)
        #expect(await accepted.waitForDisconnect() == .disconnectedByPeer)
    }

    @Test("[119] a peer whose process dies is noticed, and what it held up is flushed")
    func death() async throws {
        let adapter = try openDevice()
        let listener = try await adapter.listen(on: SocketAddress(adapter.info.address, port: 0))
        unsafe setenv("LAM_TEST_PEER", listener.address.description, 1)
        let side = try ConnectionSide(on: adapter)
        for context in 1...4 { try side.receive(0..<64, context: UInt64(context)) }
        async let dying: Void = peerThatDies()
        let connector = try await listener.acceptNext(side)
        #expect(await connector.waitForDisconnect() == .disconnectedByPeer)
        #expect(try side.wait(4).allSatisfy { $0.status == .flushed })
        await dying
        try await connector.disconnect()
        await listener.closed()
    }

    /// Runs a process that connects and then dies at once.
    private func peerThatDies() async {
        await #expect(processExitsWith: .signal(SIGKILL)) {
            let adapter = try openDevice()
            let side = try ConnectionSide(on: adapter)
            let address = unsafe String(cString: getenv("LAM_TEST_PEER"))
            let connector = try await adapter.connect(side.queuePair, to: SocketAddress(address)!)
            try await Task.sleep(for: .milliseconds(100))
            withExtendedLifetime(connector) { _ = kill(getpid(), SIGKILL) }
        }
    }

    @Test("Many connections at once come and go")
    func many() async throws {
        let adapter = try openDevice()
        let listener = try await adapter.listen(on: SocketAddress(adapter.info.address, port: 0))
        let count = 16
        let passive = Task {
            // The queue pairs are kept: closing one would end its connection from this side.
            let sides = try (0..<count).map { _ in try ConnectionSide(on: adapter) }
            var accepted: [Connector] = []
            for side in sides { accepted.append(try await listener.acceptNext(side)) }
            for connector in accepted { #expect(await connector.waitForDisconnect() == .disconnectedByPeer) }
        }
        try await withThrowingTaskGroup { group in
            for _ in 0..<count {
                group.addTask {
                    let side = try ConnectionSide(on: adapter)
                    let connector = try await adapter.connect(
                        side.queuePair, to: listener.address, timeLimit: .seconds(60))
                    try await connector.disconnect(timeLimit: .seconds(30))
                }
            }
            try await group.waitForAll()
        }
        try await passive.value
        await listener.close()
        #expect(adapter.survivors.connections == 0)
    }

    @Test("Everything that was connected can be closed")
    func close() async throws {
        let adapter = try openDevice()
        do {
            let pair = try await ConnectedPair.make(on: adapter)
            try await pair.connector.disconnect()
        }
        try adapter.close(waiting: .seconds(10))
    }
}

/// What a callback was called with.
private final class Ends: Sendable {
    private let recorded = Mutex<[ConnectionEnd]>([])

    func add(_ end: ConnectionEnd) {
        recorded.withLock { $0.append(end) }
    }

    var all: [ConnectionEnd] { recorded.withLock { $0 } }
}

/// A mapping on its way into a task.
private final class Held: Sendable {
    private let mapping: Mutex<LogicalAddressMapping?>

    init(_ mapping: consuming LogicalAddressMapping) {
        self.mapping = Mutex(mapping)
    }

    func released() async {
        await mapping.withLock { $0.take() }?.released()
    }
}
