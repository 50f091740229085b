import FileService
import LAM

/// What a client does with the chunks of its file; called in their order.
protocol ChunkHandler: ~Copyable {
    /// Fills the memory of a chunk before it is granted, if the server is to read it.
    mutating func prepare(_ lane: Lane) throws

    /// Takes the memory of a chunk back after it has moved.
    mutating func finish(_ lane: Lane) throws
}

/// The client's side of moving a file: it grants chunk after chunk, several at a time, and the server moves them.
struct ClientTransfer {
    private let adapter: Adapter
    private let access: RemoteAccess
    private var chunks: ChunkSequence
    private var free: [Lane] = []
    /// Granted and not yet moved, the oldest first.
    private var granted: [Lane] = []
    /// Moved, and the window not yet closed.
    private var closing: [Lane] = []
    private var verdict: Verdict?

    /// What the server said about a whole file that it sent.
    struct Verdict {
        let byteCount: UInt64
        let checksum: UInt32
    }

    /// How long the server may take for its next step, which may be to write much to a slow disk.
    static let patience = Duration.seconds(300)

    /// Allocates as many lanes as the terms allow and the file needs.
    init(byteCount: UInt64, terms: TransferTerms, access: RemoteAccess, on adapter: Adapter) throws {
        self.adapter = adapter
        self.access = access
        chunks = ChunkSequence(byteCount: byteCount, chunkBytes: terms.chunkBytes)
        let memory = terms.memory(for: byteCount)
        for _ in 0..<memory.count { free.append(try Lane(on: adapter, chunkBytes: memory.bytes)) }
    }

    /// Moves everything.
    mutating func run<File: ChunkHandler & ~Copyable>(_ channel: inout Channel, _ file: inout File) throws {
        while true {
            while !free.isEmpty, let chunk = chunks.next() {
                let lane = free.removeFirst()
                try lane.begin(chunk)
                try file.prepare(lane)
                try lane.grant(access, on: adapter, &channel)
                granted.append(lane)
            }
            if granted.isEmpty, closing.isEmpty { return }
            if let lane = try step(&channel) {
                try file.finish(lane)
                free.append(lane)
            }
        }
    }

    /// Waits for the next event; gives a lane whose chunk has moved and to which the server has no more access.
    private mutating func step(_ channel: inout Channel) throws -> Lane? {
        switch try channel.next(patience: Self.patience) {
        case .message(.moved(let chunk)):
            guard let lane = granted.first, lane.chunk == chunk else {
                throw TransferFailure.unexpected(.moved(chunk))
            }
            closing.append(granted.removeFirst())
            try lane.revoke(&channel)
        case .completed(.invalidate):
            return closing.removeFirst()
        case .message(.finished(let byteCount, let checksum)) where verdict == nil && granted.isEmpty:
            verdict = Verdict(byteCount: byteCount, checksum: checksum)
        case .message(.failure(let reason)): throw TransferFailure.peer(reason)
        case .message(let message): throw TransferFailure.unexpected(message)
        case .completed: break
        }
        return nil
    }

    /// What the server says about the file it sent; waits for it if it has not come yet.
    mutating func serverVerdict(_ channel: inout Channel) throws -> Verdict {
        while verdict == nil { _ = try step(&channel) }
        return verdict!
    }
}

extension Channel {
    /// Waits for a message, as long as a server may take.
    mutating func nextMessage(patience: Duration = ClientTransfer.patience) throws -> Message {
        while true {
            switch try next(patience: patience) {
            case .message(.failure(let reason)): throw TransferFailure.peer(reason)
            case .message(let message): return message
            case .completed: continue
            }
        }
    }
}
