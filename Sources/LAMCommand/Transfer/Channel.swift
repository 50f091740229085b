import FileService
import LAM

/// One end of a connection over which files move: its queue pair, its completions, and memory for the messages.
///
/// Used by one thread. Messages and completions come as events, in the order in which they happened.
struct Channel: ~Copyable {
    /// What happened.
    enum Event {
        /// The other end said something.
        case message(Message)
        /// The oldest request of this kind is done.
        case completed(LAM.Operation)
    }

    /// On it the transfer posts its own requests, with ``Ticket/transfer`` as their context.
    var queuePair: QueuePair
    private var completions: CompletionQueue
    private var batch = CompletionBatch()
    private var position = 0
    /// Slots for messages: the first ones are received into, the others are sent from.
    private let slots: PageBuffer
    private let mapping: LogicalAddressMapping
    private var sendsPosted = 0
    private var sendsCompleted = 0
    private var isProbing = false

    /// What a completion belongs to.
    enum Ticket: UInt64 {
        /// A request of the transfer that uses the channel.
        case transfer
        /// A message that was sent.
        case send
        /// A sign of life that was asked for.
        case probe
        /// The first of the slots that are received into; the others follow.
        case firstReceive
    }

    private static let receiveCount = 24
    private static let sendCount = 24
    /// Bytes that a channel pins, beside what moves.
    static let pinnedBytes = (receiveCount + sendCount) * Message.byteCount

    /// Creates a queue pair that can take messages as soon as it is connected.
    init(on adapter: Adapter) throws {
        // Beside messages: a chunk, a bind and an invalidation for each lane, and a probe.
        let capacity = QueuePairCapacity(
            sendDepth: Self.sendCount + 3 * Int(TransferTerms.mostChunks) + 1, receiveDepth: Self.receiveCount,
            sendElements: 1, receiveElements: 1)
        let completions = try adapter.createCompletionQueue(depth: capacity.sendDepth + capacity.receiveDepth)
        var queuePair = try adapter.createQueuePair(completions: completions, capacity: capacity)
        let slots = try PageBuffer(count: Self.pinnedBytes)
        let mapping = try adapter.buildLam(over: slots)
        for slot in 0..<Self.receiveCount {
            try queuePair.receive(into: mapping, Self.bytes(ofSlot: slot), context: Self.context(ofReceive: slot))
        }
        self.queuePair = queuePair
        self.completions = completions
        self.slots = slots
        self.mapping = mapping
    }

    private static func bytes(ofSlot slot: Int) -> Range<Int> {
        slot * Message.byteCount..<(slot + 1) * Message.byteCount
    }

    private static func context(ofReceive slot: Int) -> UInt64 {
        Ticket.firstReceive.rawValue + UInt64(slot)
    }
}

// MARK: Messages

extension Channel {
    /// Sends a message.
    /// - Throws: ``TransferFailure/flood`` if the other end does not take what was sent before.
    mutating func send(_ message: Message) throws {
        guard sendsPosted - sendsCompleted < Self.sendCount else { throw TransferFailure.flood }
        let bytes = Self.bytes(ofSlot: Self.receiveCount + sendsPosted % Self.sendCount)
        slots.copyIn(message.bytes, at: bytes.lowerBound)
        try queuePair.send(mapping, bytes, context: Ticket.send.rawValue)
        sendsPosted += 1
    }

    /// Tells the other end why this end gives up, and waits a moment until it knows.
    mutating func giveUp(because error: any Error) {
        if case TransferFailure.peer = error { return }
        guard case .some = try? send(.failure("\(error)")) else { return }
        while sendsCompleted < sendsPosted, case .some = try? next(patience: .seconds(1)) {}
    }

    /// Why a request was not posted because the connection has ended: what the other end said last, if it said anything.
    mutating func lastWord() -> TransferFailure {
        while let event = try? next(patience: .seconds(1)) {
            if case .message(.failure(let reason)) = event { return .peer(reason) }
        }
        return .disconnected
    }

    /// Takes the message out of its slot, and posts the slot again.
    private mutating func take(_ completion: Completion, slot: Int) throws -> Message {
        let range = Self.bytes(ofSlot: slot)
        let bytes = slots.copyOut(range.prefix(Int(completion.byteCount)))
        do {
            try queuePair.receive(into: mapping, range, context: completion.context)
        } catch .ended {
            // The other end has disconnected behind its last message, which counts nevertheless.
        }
        return try Message(bytes)
    }
}

// MARK: Events

extension Channel {
    /// Waits for the next event, without keeping a processor busy.
    ///
    /// While nothing comes, a zero-length write now and then makes sure that the other end's device still answers:
    /// a machine that vanished says nothing by itself.
    /// - Throws: ``TransferFailure`` when the connection has ended or nothing came for `patience`,
    ///   ``Interruption/Ended`` when the task was cancelled, ``MessageError`` for a message that is not understood.
    mutating func next(patience: Duration) throws -> Event {
        let begin = ContinuousClock.now
        var probedAt = begin
        while true {
            while position < batch.count {
                position += 1
                if let event = try event(of: batch[position - 1]) { return event }
            }
            if Task.isCancelled { throw Interruption.Ended() }
            let now = ContinuousClock.now
            guard begin.duration(to: now) < patience else { throw TransferFailure.silence(patience) }
            if probedAt.duration(to: now) >= Self.probeInterval, !isProbing {
                try probe()
                probedAt = now
            }
            position = 0
            _ = try completions.wait(into: &batch, atMost: Self.attention)
        }
    }

    /// How long an interruption may go unnoticed.
    private static let attention = Duration.milliseconds(250)
    private static let probeInterval = Duration.seconds(2)

    /// Writes nothing to nowhere, which the other end's device acknowledges all the same.
    private mutating func probe() throws {
        let nothing: InlineArray<0, ScatterGatherElement> = []
        try queuePair.write(
            nothing.span, to: RemoteMemory(address: 0, key: 0), context: Ticket.probe.rawValue)
        isProbing = true
    }

    private mutating func event(of completion: Completion) throws -> Event? {
        guard completion.status == .success else { throw failure(completion) }
        switch Ticket(rawValue: completion.context) {
        case .transfer: return .completed(completion.operation)
        case .send: sendsCompleted += 1
        case .probe: isProbing = false
        case .firstReceive, nil:
            let slot = Int(completion.context - Ticket.firstReceive.rawValue)
            return .message(try take(completion, slot: slot))
        }
        return nil
    }

    /// A receive fails only because the connection has ended, and a flushed request was never begun.
    private func failure(_ completion: Completion) -> TransferFailure {
        completion.status == .flushed || completion.operation.isReceive
            ? .disconnected : .request(completion.operation, completion.status)
    }
}
