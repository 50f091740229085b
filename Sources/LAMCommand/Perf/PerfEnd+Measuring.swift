import LAM
import Synchronization

/// How a client comes by the mapping of each message.
enum MappingSource: String, CaseIterable, Sendable {
    /// One mapping, built before the measurement.
    case once
    /// A new mapping for each message, built over the same memory and released when the message is posted.
    case fresh
    /// The same, of a cached registration.
    case cached
    /// The same, cut from an arena.
    case arena
}

extension PerfEnd {
    /// Sends as many messages as the client measures, `terms.depth` at a time, and waits until they are done.
    ///
    /// - Returns: how long it took.
    mutating func moveAll(_ source: MappingSource) throws -> Duration {
        let arena = source == .arena ? try makeArena() : nil
        let cache = source == .cached ? try adapter.createCache(CacheOptions(limitBytes: 2 * outbox.count)) : nil
        try move(terms.warmUpCount, source, arena, cache)
        let begin = ContinuousClock.now
        try move(terms.count, source, arena, cache)
        return begin.duration(to: .now)
    }

    private func makeArena() throws -> Arena {
        // Twice, because what completes is not idle at once.
        let bytes = max(64 << 20, 4 * (terms.depth + 1) * max(terms.size, 4096))
        return try adapter.createArena(ArenaOptions(budgetBytes: bytes))
    }

    private mutating func move(
        _ count: Int, _ source: MappingSource, _ arena: Arena?, _ cache: RegistrationCache?
    ) throws {
        // A completion for each quarter of what is outstanding keeps the device busy at the least cost.
        let run = max(1, terms.depth / 4)
        var silent = 0
        for index in 0..<count {
            while outstanding >= terms.depth { try poll() }
            let isSignaled = silent + 1 == run || index == count - 1
            let context = isSignaled ? UInt64(silent) : 0
            silent = isSignaled ? 0 : silent + 1
            let flags: RequestFlags = isSignaled ? [] : .silentSuccess
            switch source {
            case .once: try post(context, flags: flags)
            case .fresh: try post(adapter.buildLam(over: outbox), context, flags)
            case .cached: try post(cache!.buildLam(over: outbox), context, flags)
            case .arena: try post(arena!.buildLam(length: terms.size), context, flags)
            }
            outstanding += 1
        }
        try drain()
    }

    /// Posts one message from the mapping that was built before.
    @inline(__always)
    private mutating func post(_ context: UInt64 = 0, flags: RequestFlags) throws(PostError) {
        switch terms.operation {
        case .write: try queuePair.write(outgoing, message, to: peer, context: context, flags: flags)
        case .read: try queuePair.read(into: outgoing, message, from: peer, context: context, flags: flags)
        case .send: try queuePair.send(outgoing, message, context: context, flags: flags)
        }
    }

    /// Posts one message from a mapping of its own, which is released at once and lives until the message is done.
    private mutating func post(
        _ mapping: consuming LogicalAddressMapping, _ context: UInt64, _ flags: RequestFlags
    ) throws(PostError) {
        switch terms.operation {
        case .write: try queuePair.write(mapping, message, to: peer, context: context, flags: flags)
        case .read: try queuePair.read(into: mapping, message, from: peer, context: context, flags: flags)
        case .send: try queuePair.send(mapping, message, context: context, flags: flags)
        }
        mapping.release()
    }

    // MARK: Latency

    /// Measures how long messages take, one after the other.
    ///
    /// - Returns: the time of each; half of the way there and back where the other end answers.
    mutating func timeAll() throws -> [Duration] {
        var times: [Duration] = []
        times.reserveCapacity(terms.count)
        let total = terms.warmUpCount + terms.count
        // One look at the clock for each message: where that is a system call, it takes as long as a short message.
        var begin = ContinuousClock.now
        for turn in 0..<total {
            try transmit(turn)
            if terms.isPingPong { try expect(turn) } else { try drain() }
            let end = ContinuousClock.now
            let time = begin.duration(to: end)
            begin = end
            if turn >= terms.warmUpCount { times.append(terms.isPingPong ? time / 2 : time) }
        }
        try drain()
        return times
    }

    /// Answers the other end's messages.
    mutating func answerAll() throws {
        for turn in 0..<terms.warmUpCount + terms.count {
            try expect(turn)
            try transmit(turn)
        }
        try drain()
    }

    /// Sends the message of a turn.
    private mutating func transmit(_ turn: Int) throws {
        while outstanding >= terms.depth { try poll() }
        // Whoever waits for a write looks at its last byte.
        if terms.operation == .write { outbox.withLastByte { $0.store(Self.mark(turn), ordering: .relaxed) } }
        try post(flags: terms.isInline(upTo: queuePair.capacity.inlineBytes) ? .inline : [])
        outstanding += 1
    }

    /// Waits for the other end's message of a turn.
    private mutating func expect(_ turn: Int) throws {
        if terms.operation == .send {
            while receivedCount == 0 { try poll() }
            receivedCount -= 1
            try queuePair.receive(into: incoming, message)
        } else {
            var looks = 0
            while inbox.withLastByte({ $0.load(ordering: .acquiring) }) != Self.mark(turn) {
                looks &+= 1
                // Only to learn that the other end has ended.
                if looks.isMultiple(of: 1 << 14) { try poll() }
            }
        }
    }

    /// What the last byte of a turn's message is: not what it was the turn before, nor at first.
    private static func mark(_ turn: Int) -> UInt8 { UInt8(turn % 255 + 1) }

    // MARK: The server's part

    /// Does what the client's measurement needs of this end.
    mutating func serve() throws {
        if terms.isPingPong {
            try answerAll()
        } else if terms.operation == .send {
            try takeAll()
        } else {
            // The client reads and writes by itself, and says when it is done.
            try hear()
        }
    }

    /// Takes as many messages as the client sends.
    private mutating func takeAll() throws {
        var missing = terms.warmUpCount + terms.count
        while missing > 0 {
            try poll()
            let count = min(receivedCount, missing)
            receivedCount -= count
            missing -= count
            for _ in 0..<count { try queuePair.receive(into: incoming, message) }
        }
    }
}

extension PageBuffer {
    /// Shows the last byte, which the other end's device may be writing.
    fileprivate func withLastByte<Result>(_ body: (borrowing Atomic<UInt8>) -> Result) -> Result {
        unsafe withUnsafeMutableBytes { bytes in
            // A byte that is read and written atomically lies in memory as any other.
            let last = unsafe (bytes.baseAddress! + bytes.count - 1).assumingMemoryBound(to: Atomic<UInt8>.self)
            return unsafe body(last.pointee)
        }
    }
}
