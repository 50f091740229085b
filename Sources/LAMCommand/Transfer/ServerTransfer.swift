import FileService
import LAM

/// What a server does with the chunks of its file; called in their order.
protocol ServedFile: ~Copyable {
    /// Makes the memory of a chunk ready and posts the request that moves it.
    mutating func move(
        _ grant: ChunkGrant, through memory: PageBuffer, _ mapping: borrowing LogicalAddressMapping,
        _ channel: inout Channel
    ) throws

    /// Takes the memory of a chunk back after it has moved.
    mutating func finish(_ chunk: Chunk, in memory: PageBuffer) throws
}

/// The server's side of moving a file: for each grant one request, through a mapping that lives as long as the request.
struct ServerTransfer {
    private let adapter: Adapter
    private var ledger: GrantLedger
    /// Bytes of the largest chunk that the file can have.
    private let chunkBytes: Int
    /// Memory that was used before. There is never more of it than the ledger allows chunks in flight.
    private var free: [PageBuffer] = []
    /// Requests under way, the oldest first.
    private var moving: [(chunk: Chunk, memory: PageBuffer)] = []

    /// How long a client may take for its next step.
    static let patience = Duration.seconds(60)

    /// Begins with nothing moved.
    init(byteCount: UInt64, terms: TransferTerms, on adapter: Adapter) {
        self.adapter = adapter
        ledger = GrantLedger(byteCount: byteCount, terms: terms)
        chunkBytes = terms.memory(for: byteCount).bytes
    }

    /// Moves everything.
    mutating func run<File: ServedFile & ~Copyable>(_ channel: inout Channel, _ file: inout File) throws {
        while !ledger.isComplete {
            switch try channel.next(patience: Self.patience) {
            case .message(.grant(let grant)): try move(grant, &channel, &file)
            case .completed(.read), .completed(.write): try finish(&channel, &file)
            case .message(.failure(let reason)): throw TransferFailure.peer(reason)
            case .message(let message): throw TransferFailure.unexpected(message)
            case .completed: break
            }
        }
    }

    /// Posts the request of a grant that the ledger allows.
    ///
    /// The mapping is released while its request is under way, which is what the library is for: the memory stays
    /// pinned until the request is done, and not a moment longer.
    private mutating func move<File: ServedFile & ~Copyable>(
        _ grant: ChunkGrant, _ channel: inout Channel, _ file: inout File
    ) throws {
        try ledger.open(grant)
        // How many chunks there are at a time is the client's choice: it may grant many small ones.
        let memory = try free.popLast() ?? PageBuffer(count: chunkBytes)
        let mapping = try adapter.buildLam(over: memory)
        try file.move(grant, through: memory, mapping, &channel)
        mapping.release()
        moving.append((grant.chunk, memory))
    }

    private mutating func finish<File: ServedFile & ~Copyable>(_ channel: inout Channel, _ file: inout File) throws {
        let (chunk, memory) = moving.removeFirst()
        try file.finish(chunk, in: memory)
        ledger.close(chunk)
        try channel.send(.moved(chunk))
        free.append(memory)
    }
}
