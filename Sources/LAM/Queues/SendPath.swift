import Synchronization
import Tracking
import Verbs

/// The hot path of sends, writes and reads: checks, translates, leaves fences, posts.
///
/// Allocates nothing, takes no lock, makes no system call of its own.
struct SendPath: ~Copyable, Sendable {
    private let core: QueuePairCore
    private let target: PostTarget
    private var poster: RequestPoster
    private var chain: SendChain
    private let token: UInt32
    private let elementLimit: Int
    private let inlineLimit: Int
    private let lengthLimit: UInt64
    /// Unsignaled requests since the last signaled one; at half the depth one is signaled in any case.
    private var unsignaledCount = 0
    private let unsignaledLimit: Int

    /// One request, apart from its elements.
    struct Request {
        var operation: Operation
        var context: UInt64
        var flags: RequestFlags
        var remote = RemoteMemory(address: 0, key: 0)
    }

    init(_ core: QueuePairCore) {
        self.core = core
        target = core.queuePair.postTarget
        poster = RequestPoster(
            queue: core.sendQueue, depth: core.capacity.sendDepth, mappings: core.adapter.core.mappings)
        chain = SendChain(
            capacity: core.capacity.sendDepth, elementsPerRequest: max(1, core.capacity.sendElements))
        token = core.adapter.privilegedToken
        elementLimit = core.capacity.sendElements
        inlineLimit = core.capacity.inlineBytes
        lengthLimit = UInt64(core.adapter.info.maxTransferLength)
        unsignaledLimit = max(1, core.capacity.sendDepth / 2)
    }

    // MARK: Posting

    /// Posts one request, and the deferred ones before it.
    @inline(__always)
    mutating func post(_ request: Request, _ elements: Span<ScatterGatherElement>) throws(PostError) {
        try enter()
        defer { poster.leave() }
        try prepare(request) { (path) throws(PostError) in try path.place(elements) }
        if request.flags.has(.defer) {
            core.hasDeferred.store(true, ordering: .releasing)
        } else {
            try ring()
        }
    }

    /// Posts one request whose data the device copies during the call; no mapping is involved.
    mutating func post(_ request: Request, inline bytes: RawSpan) throws(PostError) {
        try enter()
        defer { poster.leave() }
        try unsafe bytes.withUnsafeBytes { (bytes) throws(PostError) in
            try prepare(request, extra: .inline) { (path) throws(PostError) in try unsafe path.placeInline(bytes) }
            try ring()
        }
    }

    /// Posts a request that concerns a window; `append` adds it to the chain.
    mutating func post(
        _ operation: WindowOperation, context: UInt64, flags: RequestFlags,
        _ append: (inout SendChain, _ identifier: UInt64, SendFlags) -> Void
    ) throws(PostError) {
        try enter()
        defer { poster.leave() }
        guard poster.begin() else { throw .queueFull(depth: core.capacity.sendDepth) }
        let tag = RequestTag(operation.operation, isSilent: flags.contains(.silentSuccess))
        let wire = poster.commit(context: context, tag: tag.rawValue)
        core.windowOperations.withLock { $0[wire] = operation }
        append(&chain, wire.raw, signal(flags.subtracting(.silentSuccess)))
        do {
            try ring()
        } catch {
            _ = core.windowOperations.withLock { $0.removeValue(forKey: wire) }
            throw error
        }
    }

    /// Hands over what was deferred and never followed by a request that was not.
    mutating func flushDeferred() {
        guard chain.count > 0, case .some = try? enter() else { return }
        defer { poster.leave() }
        ringAccepted()
    }

    @inline(__always)
    private mutating func enter() throws(PostError) {
        guard core.isConnected else { throw core.hasEnded ? .ended : .notConnected }
        try poster.pass()
    }

    // MARK: Preparing

    /// Gives the request its position and adds it to the chain; a failure hands over what was deferred before it.
    @inline(__always)
    private mutating func prepare(
        _ request: Request, extra: SendFlags = SendFlags(rawValue: 0), _ place: (inout SendPath) throws(PostError) -> Int
    ) throws(PostError) {
        do throws(PostError) {
            guard poster.begin() else { throw .queueFull(depth: core.capacity.sendDepth) }
            let count: Int
            do throws(PostError) { count = try place(&self) } catch {
                poster.abandon()
                throw error
            }
            let isSilent = request.flags.has(.silentSuccess)
            let tag = RequestTag(request.operation, isSilent: isSilent)
            let wire = poster.commit(context: request.context, tag: tag.rawValue)
            append(request, identifier: wire.raw, elementCount: count, flags: SendFlags(rawValue: signal(request.flags).rawValue | extra.rawValue))
        } catch {
            if chain.count > 0 { ringAccepted() }
            throw error
        }
    }

    @inline(__always)
    private mutating func place(_ elements: Span<ScatterGatherElement>) throws(PostError) -> Int {
        let placed = try poster.place(elements, token: token, limit: elementLimit, in: &chain)
        guard placed.bytes <= lengthLimit else {
            throw .tooLong(bytes: Int(placed.bytes), limit: Int(lengthLimit))
        }
        return placed.count
    }

    private mutating func placeInline(_ bytes: UnsafeRawBufferPointer) throws(PostError) -> Int {
        guard bytes.count <= inlineLimit else { throw .inlineTooLong(bytes: bytes.count, limit: inlineLimit) }
        guard bytes.count > 0 else { return 0 }
        chain.setElement(
            0, address: UInt64(UInt(bitPattern: bytes.baseAddress)), length: UInt32(bytes.count), key: 0)
        return 1
    }

    @inline(__always)
    private mutating func append(_ request: Request, identifier: UInt64, elementCount: Int, flags: SendFlags) {
        switch request.operation {
        case .write:
            chain.appendWrite(
                identifier: identifier, elementCount: elementCount, flags: flags,
                remoteAddress: request.remote.address, remoteKey: request.remote.key)
        case .read:
            chain.appendRead(
                identifier: identifier, elementCount: elementCount, flags: flags,
                remoteAddress: request.remote.address, remoteKey: request.remote.key)
        default:
            chain.appendSend(identifier: identifier, elementCount: elementCount, flags: flags)
        }
    }

    /// The flags for the device. A silent request is unsignaled, except one in every half queue, which lets the device
    /// and the timeline move on.
    @inline(__always)
    private mutating func signal(_ flags: RequestFlags) -> SendFlags {
        var device: UInt32 = 0
        if flags.has(.readFence) { device |= SendFlags.fence.rawValue }
        if flags.has(.solicitEvent) { device |= SendFlags.solicited.rawValue }
        if flags.has(.silentSuccess), unsignaledCount < unsignaledLimit {
            unsignaledCount += 1
        } else {
            unsignaledCount = 0
            device |= SendFlags.signaled.rawValue
            core.lastSignaled.store(poster.posted, ordering: .releasing)
        }
        return SendFlags(rawValue: device)
    }

    // MARK: The doorbell

    /// Hands the chain over, of which the last request is the caller's own.
    @inline(__always)
    private mutating func ring() throws(PostError) {
        let count = chain.count
        guard case .refused(let first, let code) = handOver() else { return }
        let accepted = takeBack(count - first).dropLast()
        deliverFlushed(Array(accepted))
        throw .verbFailed(verb: "ibv_post_send", errno: code)
    }

    /// Hands over requests whose posts have all succeeded: where the device refuses, they complete as flushed.
    private mutating func ringAccepted() {
        let count = chain.count
        guard case .refused(let first, _) = handOver() else { return }
        deliverFlushed(takeBack(count - first))
    }

    /// - Returns: how it went; requests whose fate the device leaves open count as posted until they are flushed (T11).
    @inline(__always)
    private mutating func handOver() -> PostOutcome {
        let count = chain.count
        let outcome = chain.post(to: target)
        chain.reset()
        if count > 1 { core.hasDeferred.store(false, ordering: .releasing) }
        return outcome
    }

    /// Withdraws the last requests, which the device refused.
    private mutating func takeBack(_ count: Int) -> [Tracking.Request] {
        var refused: [Tracking.Request] = []
        // What was the last signaled position may be given to an unsignaled request next.
        core.lastSignaled.store(0, ordering: .releasing)
        poster.withdraw(UInt64(count)) { refused.append($0) }
        return refused
    }

    private func deliverFlushed(_ requests: [Tracking.Request]) {
        guard !requests.isEmpty else { return }
        let completions = requests.map {
            Completion(
                context: $0.context, status: .flushed, operation: RequestTag(rawValue: $0.tag).operation,
                queuePairNumber: core.number)
        }
        // The reaper delivers: a poster must not wait for a poller.
        core.adapter.reaper.run { [queue = core.sendCompletions] in queue.deliver(completions) }
    }
}
