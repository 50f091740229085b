import Glibc
import LAM
import Testing

/// Two queue pairs of one adapter, connected with each other through the connection manager.
struct ConnectedPair: ~Copyable {
    var active: ConnectionSide
    var passive: ConnectionSide
    let connector: Connector
    let accepted: Connector

    /// Connects.
    static func make(
        on adapter: Adapter, options: ConnectionOptions = ConnectionOptions(),
        onDisconnect: (@Sendable (ConnectionEnd) -> Void)? = nil
    ) async throws -> ConnectedPair {
        let listener = try await adapter.listen(on: SocketAddress(adapter.info.address, port: 0))
        let active = try ConnectionSide(on: adapter)
        let passive = try ConnectionSide(on: adapter)
        async let accepted = listener.acceptNext(passive, options: options, onDisconnect: onDisconnect)
        let connector = try await adapter.connect(active.queuePair, to: listener.address, options: options)
        let other = try await accepted
        return ConnectedPair(active: active, passive: passive, connector: connector, accepted: other)
    }
}

/// One end of a connection: a queue pair, where it completes, and mapped memory.
final class ConnectionSide: @unchecked Sendable {
    // Each test uses it from one task at a time.
    var queuePair: QueuePair
    var completions: CompletionQueue
    let buffer: PageBuffer
    var mapping: LogicalAddressMapping?
    private let window: MemoryWindow

    init(on adapter: Adapter) throws {
        window = try adapter.createMemoryWindow()
        completions = try adapter.createCompletionQueue(depth: 64)
        queuePair = try adapter.createQueuePair(
            completions: completions, capacity: QueuePairCapacity(sendDepth: 16, receiveDepth: 16))
        buffer = try PageBuffer(count: 8192)
        mapping = try adapter.buildLam(over: buffer)
    }

    func receive(_ bytes: Range<Int>, context: UInt64) throws {
        let element = [mapping!.element(bytes)]
        try queuePair.receive(into: element.span, context: context)
    }

    func send(_ bytes: Range<Int>, context: UInt64) throws {
        let element = [mapping!.element(bytes)]
        try queuePair.send(element.span, context: context)
    }

    func read(_ bytes: Range<Int>, from remote: RemoteMemory, context: UInt64) throws(PostError) {
        let element = [mapping!.element(bytes)]
        try queuePair.read(into: element.span, from: remote, context: context)
    }

    /// Lets the peer read the second page.
    func openForReading() throws -> RemoteMemory {
        let remote = try queuePair.bind(window, over: mapping!, 4096..<8192, access: .read)
        #expect(try wait(1).map(\.status) == [.success])
        return remote
    }

    /// Waits for as many completions.
    func wait(_ count: Int) throws -> [Completion] {
        var batch = CompletionBatch(capacity: 16)
        var found: [Completion] = []
        while found.count < count {
            guard try completions.wait(into: &batch, atMost: .seconds(10)) > 0 else { break }
            for index in batch.indices { found.append(batch[index]) }
        }
        #expect(found.count == count)
        return found
    }
}

extension Listener {
    /// Accepts the next request.
    func acceptNext(
        _ side: ConnectionSide, privateData: [UInt8] = [], options: ConnectionOptions = ConnectionOptions(),
        onDisconnect: (@Sendable (ConnectionEnd) -> Void)? = nil
    ) async throws -> Connector {
        let connector = try #require(await next())
        try await connector.accept(
            side.queuePair, privateData: privateData, options: options, onDisconnect: onDisconnect)
        return connector
    }
}

/// The adapter of the device that the test runs on; a machine without one fails the test.
func openDevice() throws -> Adapter {
    guard let name = unsafe getenv("LAM_DEVICE") else { return try Adapter.open() }
    return try Adapter.open(.device(unsafe String(cString: name)))
}

extension PageBuffer {
    /// Sets a range of bytes.
    func fill(_ range: Range<Int>, with byte: UInt8) {
        copyIn([UInt8](repeating: byte, count: range.count), at: range.lowerBound)
    }

    /// Whether a range has nothing but one byte.
    func contains(_ range: Range<Int>, only byte: UInt8) -> Bool {
        copyOut(range).allSatisfy { $0 == byte }
    }
}
