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
    private let adapter: ObjectIdentifier
    private let token: UInt32
    private let limits: ElementLimits
    private let inlineLimit: Int
    /// Bytes of a request of one element.
    private let lengthLimit: UInt64
    /// How many requests may yet be unsignaled; from half the depth on one is signaled in any case.
    private var unsignaledRoom: Int
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
            capacity: max(1, core.capacity.sendDepth), elementsPerRequest: max(1, core.capacity.sendElements))
        adapter = ObjectIdentifier(core.adapter)
        token = core.adapter.privilegedToken
        limits = ElementLimits(
            count: core.capacity.sendElements, bytes: UInt64(core.adapter.info.maxTransferLength))
        inlineLimit = core.capacity.inlineBytes
        lengthLimit = limits.count == 0 ? 0 : min(UInt64(UInt32.max), limits.bytes)
        unsignaledLimit = core.capacity.sendDepth / 2
        unsignaledRoom = unsignaledLimit
    }

    // MARK: Posting

    /// Posts one request over bytes of one mapping.
    ///
    /// The usual case is done here and nothing else: no deferred request before it, neither empty nor too long, nobody
    /// to wait for, and room in the queue. Everything else goes the way of any number of elements.
    @inline(__always)
    mutating func post(
        _ operation: Operation, _ mapping: borrowing LogicalAddressMapping, _ bytes: Range<Int>,
        _ remote: RemoteMemory = RemoteMemory(address: 0, key: 0), context: UInt64, flags: RequestFlags
    ) throws(PostError) {
        guard ObjectIdentifier(mapping.adapter) == adapter else { return try refuseForeign() }
        // From here on its place is all that is needed of the mapping, which spares registers.
        let place = mapping.place
        guard isUsual(bytes, of: place, flags), poster.beginAtOnce(using: place) else {
            return try postUnusually(place, bytes, remote, context: context, flags: flags, operation)
        }
        defer { poster.leave() }
        let tag = RequestTag(operation, isSilent: flags.has(.silentSuccess))
        let wire = poster.commit(context: context, tag: tag.rawValue)
        let code = chain.postAlone(
            operation.verb, identifier: wire.raw, flags: signal(flags),
            address: place.base &+ UInt64(truncatingIfNeeded: bytes.lowerBound),
            // Not longer than that: `isUsual`.
            length: UInt32(truncatingIfNeeded: bytes.upperBound &- bytes.lowerBound), key: place.key,
            remoteAddress: remote.address, remoteKey: remote.key, to: target)
        if code != 0 { try failAlone(code, at: place.base) }
    }

    /// Whether the bytes lie in the mapping and nothing about the request needs a second look.
    @inline(__always)
    private func isUsual(_ bytes: Range<Int>, of place: MappingPlace, _ flags: RequestFlags) -> Bool {
        // A range's bounds are in order: their difference does not overflow, and 0 less 1 is longer than any limit.
        let count = UInt64(bitPattern: Int64(bytes.upperBound &- bytes.lowerBound))
        return bytes.lowerBound >= 0 && UInt64(bitPattern: Int64(bytes.upperBound)) <= place.length
            && count &- 1 < lengthLimit
            && UInt(flags.rawValue & RequestFlags.defer.rawValue) | UInt(bitPattern: chain.count) == 0
    }

    /// Another adapter's mapping, whose address and token may by chance be right here, too.
    @inline(never)
    private mutating func refuseForeign() throws(PostError) {
        throw refuse(.unknownAddress(element: 0))
    }

    @inline(never)
    private mutating func postUnusually(
        _ place: MappingPlace, _ bytes: Range<Int>, _ remote: RemoteMemory, context: UInt64, flags: RequestFlags,
        _ operation: Operation
    ) throws(PostError) {
        let element: InlineArray<1, ScatterGatherElement> = [place.element(bytes, token: token)]
        try post(
            Request(operation: operation, context: context, flags: flags, remote: remote), element.span)
    }

    @inline(never)
    private mutating func failAlone(_ code: CInt, at address: UInt64) throws(PostError) {
        guard case .refused(_, let code) = chain.outcomeAlone(code) else { return }
        _ = withdraw(1)
        poster.disown(address: address)
        throw .verbFailed(verb: "ibv_post_send", errno: code)
    }

    /// Posts one request, and the deferred ones before it.
    @inline(__always)
    mutating func post(_ request: Request, _ elements: Span<ScatterGatherElement>) throws(PostError) {
        try poster.pass(core)
        defer { poster.leave() }
        try prepare(request) { (path) throws(PostError) in try path.place(elements) }
        if request.flags.has(.defer) {
            core.deferredCount.store(chain.count, ordering: .releasing)
        } else {
            try ring()
        }
    }

    /// Posts one request whose data the device copies during the call; no mapping is involved.
    mutating func post(_ request: Request, inline bytes: RawSpan) throws(PostError) {
        try poster.pass(core)
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
        try poster.pass(core)
        defer { poster.leave() }
        guard poster.begin() else {
            ringAccepted()
            throw .queueFull(depth: core.capacity.sendDepth)
        }
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

    /// A request was refused before it came here; what was deferred before it is handed over all the same (rule 2.6).
    mutating func refuse(_ error: PostError) -> PostError {
        guard chain.count > 0, case .some = try? poster.pass(core) else { return error }
        defer { poster.leave() }
        ringAccepted()
        return error
    }

    // MARK: Preparing

    /// Gives the request its position and adds it to the chain; a failure hands over what was deferred before it.
    @inline(__always)
    private mutating func prepare(
        _ request: Request, extra: SendFlags = SendFlags(rawValue: 0),
        _ place: (inout SendPath) throws(PostError) -> Int
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
            append(
                request, identifier: wire.raw, elementCount: count,
                flags: SendFlags(rawValue: signal(request.flags).rawValue | extra.rawValue))
        } catch {
            ringAccepted()
            throw error
        }
    }

    @inline(__always)
    private mutating func place(_ elements: Span<ScatterGatherElement>) throws(PostError) -> Int {
        try poster.place(elements, token: token, limits: limits, in: &chain)
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
        // Solicited has the same bit in both, the read fence the next lower one.
        var device =
            flags.rawValue & RequestFlags.solicitEvent.rawValue
            | (flags.rawValue & RequestFlags.readFence.rawValue) >> 1
        if flags.has(.silentSuccess), unsignaledRoom > 0 {
            unsignaledRoom &-= 1
        } else {
            unsignaledRoom = unsignaledLimit
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
        try refuseLast(of: count - first, code)
    }

    /// The device refused the last `count` requests, of which the last one is the caller's own.
    @inline(never)
    private mutating func refuseLast(of count: Int, _ code: CInt) throws(PostError) {
        core.refuse(takeBack(count).dropLast())
        throw .verbFailed(verb: "ibv_post_send", errno: code)
    }

    /// Hands over requests whose posts have all succeeded: where the device refuses, they complete as flushed.
    private mutating func ringAccepted() {
        let count = chain.count
        guard count > 0 else { return }
        let outcome = handOver()
        core.deferredCount.store(0, ordering: .releasing)
        guard case .refused(let first, _) = outcome else { return }
        core.refuse(takeBack(count - first))
    }

    /// Empties the chain, unless some of it is refused and must be taken back.
    ///
    /// - Returns: how it went; requests whose fate the device leaves open count as posted until they are flushed (T11).
    @inline(__always)
    private mutating func handOver() -> PostOutcome {
        let count = chain.count
        let outcome = chain.post(to: target)
        if case .refused = outcome {} else { chain.reset() }
        if count > 1 { core.deferredCount.store(0, ordering: .releasing) }
        return outcome
    }

    /// Takes the last requests of the chain back, which the device refused, and empties it.
    private mutating func takeBack(_ count: Int) -> [Tracking.Request] {
        let refused = withdraw(count)
        chain.forEachAddress(inLast: count) { poster.disown(address: $0) }
        chain.reset()
        return refused
    }

    /// Withdraws the last positions.
    private mutating func withdraw(_ count: Int) -> [Tracking.Request] {
        var refused: [Tracking.Request] = []
        // What was the last signaled position may be given to an unsignaled request next.
        core.lastSignaled.store(0, ordering: .releasing)
        // Perhaps it was the one that was to be signaled; then nothing would be for another half queue.
        unsignaledRoom = 0
        poster.withdraw(UInt64(count)) { refused.append($0) }
        return refused
    }
}

extension Operation {
    /// What the device is told of a request with elements.
    @inline(__always)
    fileprivate var verb: SendOperation {
        switch self {
        case .write: .write
        case .read: .read
        default: .send
        }
    }
}
