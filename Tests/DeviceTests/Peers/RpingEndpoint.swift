import LAM

/// Our end of an rping session, in either role.
///
/// The client offers memory to be read, and then memory to be written; the server copies the one into the other. Each
/// step is acknowledged by a message.
final class RpingEndpoint: @unchecked Sendable {
    // Each test uses it from one task at a time.
    var queuePair: QueuePair
    private var completions: CompletionQueue
    private let memory: PageBuffer
    private let mapping: LogicalAddressMapping
    private let sourceWindow: MemoryWindow
    private let sinkWindow: MemoryWindow
    /// How many bytes a round carries.
    private let size: Int
    /// Polled, and not what was waited for.
    private var early: [Completion] = []

    /// Places in the memory. The peer's message and ours are in the first page.
    private static let received = 0..<RpingAdvert.byteCount
    private static let sent = 64..<(64 + RpingAdvert.byteCount)
    private var source: Range<Int> { 4096..<(4096 + size) }
    private var sink: Range<Int> { (4096 + size)..<(4096 + 2 * size) }

    /// Requests, by their contexts.
    private enum Request: UInt64 {
        case receive = 1
        case send, read, write, bind
    }

    /// The peer has disconnected, or a request failed.
    struct Ended: Error {
        let status: CompletionStatus
    }

    /// Posts the first receive, which must be there before the connection is.
    init(on adapter: Adapter, size: Int) throws {
        self.size = size
        completions = try adapter.createCompletionQueue(depth: 64)
        queuePair = try adapter.createQueuePair(
            completions: completions, capacity: QueuePairCapacity(sendDepth: 8, receiveDepth: 4))
        memory = try PageBuffer(count: 4096 + 2 * size)
        mapping = try adapter.buildLam(over: memory)
        sourceWindow = try adapter.createMemoryWindow()
        sinkWindow = try adapter.createMemoryWindow()
        try postReceive()
    }

    // MARK: Client

    /// Lets the server copy `text`, as a string of C, and gives what it wrote.
    func ping(_ text: [UInt8], through opened: (source: RemoteMemory, sink: RemoteMemory)) throws -> [UInt8] {
        memory.copyIn(text, at: source.lowerBound)
        memory.copyIn([UInt8](repeating: 0, count: size), at: sink.lowerBound)
        for memory in [opened.source, opened.sink] {
            try send(RpingAdvert(memory: memory, size: size).bytes)
            _ = try receive()
        }
        return memory.copyOut(sink)
    }

    /// Opens the source to be read, and the sink to be written.
    func open() throws -> (source: RemoteMemory, sink: RemoteMemory) {
        let opened = (
            source: try queuePair.bind(
                sourceWindow, over: mapping, source, access: .read, context: Request.bind.rawValue),
            sink: try queuePair.bind(sinkWindow, over: mapping, sink, access: .write, context: Request.bind.rawValue)
        )
        for _ in 0..<2 { _ = try wait(for: .bind) }
        return opened
    }

    // MARK: Server

    /// Copies from the client's source into its sink, and gives the bytes.
    func answer() throws -> [UInt8] {
        let offered = RpingAdvert(try receive())
        let bytes = source.lowerBound..<(source.lowerBound + min(size, offered.size))
        try queuePair.read(into: mapping, bytes, from: offered.memory, context: Request.read.rawValue)
        _ = try wait(for: .read)
        try send([UInt8](repeating: 0, count: RpingAdvert.byteCount))
        let sink = RpingAdvert(try receive())
        try queuePair.write(mapping, bytes, to: sink.memory, context: Request.write.rawValue)
        _ = try wait(for: .write)
        try send([UInt8](repeating: 0, count: RpingAdvert.byteCount))
        return memory.copyOut(bytes)
    }

    // MARK: Messages

    private func postReceive() throws {
        try queuePair.receive(into: mapping, Self.received, context: Request.receive.rawValue)
    }

    private func send(_ message: [UInt8]) throws {
        memory.copyIn(message, at: Self.sent.lowerBound)
        try queuePair.send(mapping, Self.sent, context: Request.send.rawValue)
        _ = try wait(for: .send)
    }

    private func receive() throws -> [UInt8] {
        _ = try wait(for: .receive)
        let message = memory.copyOut(Self.received)
        try postReceive()
        return message
    }

    private func wait(for request: Request) throws -> Completion {
        var batch = CompletionBatch(capacity: 8)
        while true {
            if let index = early.firstIndex(where: { $0.context == request.rawValue }) {
                let completion = early.remove(at: index)
                guard completion.status == .success else { throw Ended(status: completion.status) }
                return completion
            }
            guard try completions.wait(into: &batch, atMost: .seconds(20)) > 0 else {
                throw Ended(status: .retriesExceeded)
            }
            for index in batch.indices { early.append(batch[index]) }
        }
    }
}
