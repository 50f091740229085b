import FileService
import LAM
import TestSupport

/// A client that says to a server what it wants.
struct HostileClient: ~Copyable {
    private let adapter: Adapter
    private let connector: Connector
    private var queuePair: QueuePair
    private var completions: CompletionQueue
    private let buffer: PageBuffer
    private let mapping: LogicalAddressMapping
    private var slot = 0

    private static let answers = 8

    /// Connects.
    init(to server: LamServer, greeting: [UInt8] = Greeting.request) async throws {
        let adapter = try Pair.openAdapter()
        let completions = try adapter.createCompletionQueue(depth: 64)
        var queuePair = try adapter.createQueuePair(
            completions: completions, capacity: QueuePairCapacity(sendDepth: 32, receiveDepth: 32))
        let buffer = try PageBuffer(count: 32 * Message.byteCount)
        let mapping = try adapter.buildLam(over: buffer)
        for slot in 0..<Self.answers {
            try queuePair.receive(into: mapping, Self.range(slot), context: UInt64(slot))
        }
        connector = try await adapter.connect(
            queuePair, to: SocketAddress(server.address)!, privateData: greeting)
        self.adapter = adapter
        self.queuePair = queuePair
        self.completions = completions
        self.buffer = buffer
        self.mapping = mapping
    }

    private static func range(_ slot: Int) -> Range<Int> {
        slot * Message.byteCount..<(slot + 1) * Message.byteCount
    }

    /// Sends any bytes, at most as many as a message has.
    mutating func send(_ bytes: [UInt8]) throws {
        let range = Self.range(Self.answers + slot)
        slot += 1
        buffer.copyIn(bytes, at: range.lowerBound)
        try queuePair.send(mapping, range.prefix(bytes.count), context: 100)
    }

    /// Waits for the next message of the server; nil if the connection has ended instead.
    mutating func answer() throws -> Message? {
        var batch = CompletionBatch(capacity: 1)
        while try completions.wait(into: &batch, atMost: .seconds(20)) > 0 {
            guard batch[0].status == .success else { return nil }
            guard batch[0].operation.isReceive else { continue }
            return try Message(buffer.copyOut(Self.range(Int(batch[0].context))))
        }
        throw DeviceProcess.Failure(description: "no answer within 20 s")
    }
}
