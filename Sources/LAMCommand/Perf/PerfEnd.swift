import LAM

/// One end of a measurement: its queue pair, the memory that messages are in, and the window through which the other
/// end reaches it.
///
/// Used by one thread, which polls while it measures: nobody wants to measure how long a thread takes to wake up. While
/// the other end measures by itself it sleeps: a processor that polls for nothing may be the one that moves the bytes.
struct PerfEnd: ~Copyable {
    let adapter: Adapter
    let terms: PerfTerms
    var queuePair: QueuePair
    var completions: CompletionQueue
    var batch = CompletionBatch(capacity: 64)
    /// Messages that this end sends, and those that it gets; apart, because each end looks for the other's.
    let outbox: PageBuffer
    let inbox: PageBuffer
    let outgoing: LogicalAddressMapping
    let incoming: LogicalAddressMapping
    /// What the ends say to each other before and after.
    private let notes: PageBuffer
    private let noteMapping: LogicalAddressMapping
    private let window: MemoryWindow
    /// The other end's memory.
    private(set) var peer = RemoteMemory(address: 0, key: 0)
    /// What was posted to the send queue and is not known to have completed.
    var outstanding = 0
    /// Receives that have completed and that nobody has asked for.
    var receivedCount = 0
    private var emptyPolls = 0

    /// What ended before its time.
    enum Failure: Error, CustomStringConvertible {
        case refused(SocketAddress)
        case request(LAM.Operation, CompletionStatus)
        case interrupted

        var description: String {
            switch self {
            case .refused(let address):
                "\(address) refuses: it is not `lam perf serve` of this version, or measures already with another client"
            case .request(let operation, let status):
                "the measurement broke off: a \(operation) failed (\(status)); the other end has ended, or is unreachable"
            case .interrupted: "interrupted"
            }
        }
    }

    private static let noteBytes = 16

    init(on adapter: Adapter, _ terms: PerfTerms) throws {
        let receives = terms.operation == .send ? 2 * terms.depth : 0
        // One more for what the ends say to each other, and one for the window.
        let capacity = QueuePairCapacity(
            sendDepth: terms.depth + 2, receiveDepth: receives + 1, sendElements: 1, receiveElements: 1,
            inlineBytes: terms.isInline(upTo: adapter.info.maxInlineBytes) ? terms.size : 0)
        let completions = try adapter.createCompletionQueue(depth: capacity.sendDepth + capacity.receiveDepth)
        var queuePair = try adapter.createQueuePair(completions: completions, capacity: capacity)
        let window = try adapter.createMemoryWindow()
        let (outbox, inbox) = (try PageBuffer(count: terms.size), try PageBuffer(count: terms.size))
        let notes = try PageBuffer(count: 2 * Self.noteBytes)
        let outgoing = try adapter.buildLam(over: outbox)
        let incoming = try adapter.buildLam(over: inbox)
        let noteMapping = try adapter.buildLam(over: notes)
        // The first message of the other end is a note.
        try queuePair.receive(into: noteMapping, Self.receivedNote)
        for _ in 0..<receives { try queuePair.receive(into: incoming, 0..<terms.size) }
        self.adapter = adapter
        self.terms = terms
        self.completions = completions
        self.queuePair = queuePair
        self.window = window
        (self.outbox, self.inbox, self.notes) = (outbox, inbox, notes)
        self.outgoing = outgoing
        self.incoming = incoming
        self.noteMapping = noteMapping
    }

    private static let sentNote = 0..<noteBytes
    private static let receivedNote = noteBytes..<2 * noteBytes

    /// The bytes of a message.
    var message: Range<Int> { 0..<terms.size }

    // MARK: Between connecting and measuring

    /// Opens the inbox to the other end, and learns where its inbox is.
    mutating func meet() throws {
        let own = try queuePair.bind(window, over: incoming, message, access: [.read, .write], flags: .silentSuccess)
        try say(RemoteNote(own).bytes)
        try hear()
        peer = RemoteNote(bytes: notes.copyOut(Self.receivedNote)).memory
        if terms.operation != .send { try queuePair.receive(into: noteMapping, Self.receivedNote) }
    }

    /// Sends a note, and waits until it has arrived.
    mutating func say(_ note: [UInt8]) throws {
        notes.copyIn(note, at: Self.sentNote.lowerBound)
        try queuePair.send(noteMapping, Self.sentNote)
        outstanding += 1
        try drain()
    }

    /// Waits for the other end's note.
    mutating func hear() throws {
        while receivedCount == 0 {
            _ = try completions.wait(into: &batch, atMost: .milliseconds(100))
            try takeBatch()
            try checkInterruption()
        }
        receivedCount -= 1
    }

    /// Waits until nothing is outstanding.
    mutating func drain() throws {
        while outstanding > 0 { try poll() }
    }

    /// Takes what has completed.
    @inline(__always)
    mutating func poll() throws {
        if completions.poll(into: &batch) > 0 { return try takeBatch() }
        emptyPolls &+= 1
        // To ask the task takes longer than to poll.
        if emptyPolls.isMultiple(of: 256) { try checkInterruption() }
    }

    @inline(__always)
    private mutating func takeBatch() throws {
        for index in 0..<batch.count {
            let completion = batch[index]
            guard completion.status == .success else {
                throw Failure.request(completion.operation, completion.status)
            }
            if completion.operation == .receive {
                receivedCount += 1
            } else {
                // A signaled one stands for itself and the silent ones before it.
                outstanding -= Int(completion.context) + 1
            }
        }
    }

    @inline(never)
    private func checkInterruption() throws {
        if Task.isCancelled { throw Failure.interrupted }
    }
}

/// What an end tells the other about its memory: 16 bytes.
private struct RemoteNote {
    let memory: RemoteMemory

    init(_ memory: RemoteMemory) {
        self.memory = memory
    }

    init(bytes: [UInt8]) {
        memory = RemoteMemory(
            address: (0..<8).reduce(0) { $0 | UInt64(bytes[$1]) << UInt64(8 * $1) },
            key: (0..<4).reduce(0) { $0 | UInt32(bytes[8 + $1]) << UInt32(8 * $1) })
    }

    var bytes: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: memory.address >> UInt64(8 * $0)) }
            + (0..<8).map { UInt8(truncatingIfNeeded: UInt64(memory.key) >> UInt64(8 * $0)) }
    }
}
