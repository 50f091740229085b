import Synchronization
public import Tracking
public import Verbs

/// The hot path of sends, writes and reads: checks, translates, leaves fences, posts.
///
/// Allocates nothing, takes no lock, makes no system call of its own.
@usableFromInline
struct SendPath: ~Copyable, Sendable {
    @usableFromInline let core: QueuePairCore
    @usableFromInline let target: PostTarget
    @usableFromInline var poster: RequestPoster
    @usableFromInline var single = SingleSend()
    @usableFromInline var chain: SendChain
    @usableFromInline let adapter: ObjectIdentifier
    let tokens: ElementTokens
    private let limits: ElementLimits
    let inlineLimit: Int
    var gathered: InlineBuffer
    /// Bytes of a request of one element.
    @usableFromInline let lengthLimit: UInt64
    /// How many requests in a row may be unsignaled; the one after them is signaled in any case.
    @usableFromInline let unsignaledLimit: UInt64

    /// One request, apart from its elements.
    struct Request {
        var operation: Operation
        var context: UInt64
        var flags: RequestFlags
        var remote = RemoteMemory(address: 0, key: 0)
        /// The key of the peer's that a send invalidates.
        var invalidatedKey: UInt32?
    }

    init(_ core: QueuePairCore) {
        self.core = core
        target = core.queuePair.postTarget
        poster = RequestPoster(
            queue: core.sendQueue, depth: core.capacity.sendDepth, mappings: core.adapter.core.mappings)
        chain = SendChain(
            capacity: max(1, core.capacity.sendDepth), elementsPerRequest: max(1, core.capacity.sendElements))
        adapter = ObjectIdentifier(core.adapter)
        tokens = ElementTokens(of: core.adapter.core)
        limits = ElementLimits(
            count: core.capacity.sendElements, bytes: UInt64(core.adapter.info.maxTransferLength))
        inlineLimit = core.capacity.inlineBytes
        gathered = InlineBuffer(capacity: inlineLimit)
        lengthLimit = limits.count == 0 ? 0 : min(UInt64(UInt32.max), limits.bytes)
        unsignaledLimit = UInt64(core.capacity.sendDepth) / 2
    }

    // MARK: Posting

    /// Posts one request, and the deferred ones before it.
    @inline(__always)
    mutating func post(_ request: Request, _ elements: Span<ScatterGatherElement>) throws(PostError) {
        if elements.count == 1, isUsual(request, elements[0]),
            let memory = poster.beginAtOnce(
                at: elements[0].address.rawValue, length: elements[0].length, isSink: request.operation == .read)
        {
            return try postSingle(
                request.operation, memory, elements[0].length, request.remote, context: request.context,
                flags: request.flags)
        }
        if request.flags.has(.inline), request.operation != .read { return try postInline(request, elements) }
        try poster.pass(core)
        defer { poster.leave() }
        try prepare(request) { (path) throws(PostError) in
            try path.place(elements, areSinks: request.operation == .read)
        }
        if request.flags.has(.defer) {
            core.deferredCount.store(chain.count, ordering: .releasing)
        } else {
            try ring()
        }
    }

    /// Whether nothing about a request of one element needs a second look, but perhaps its address.
    @inline(__always)
    private func isUsual(_ request: Request, _ element: ScatterGatherElement) -> Bool {
        // 0 less 1 is longer than any limit.
        element.token == tokens.privileged && UInt64(element.length) &- 1 < lengthLimit && !request.flags.isUnusual
            && request.invalidatedKey == nil && chain.count == 0
    }

    /// Posts a request that binds or invalidates; `append` adds it to the chain.
    mutating func post(
        _ operation: BindingOperation, context: UInt64, flags: RequestFlags,
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
        core.bindingOperations.withLock { $0[wire] = operation }
        append(&chain, wire.raw, signal(flags.subtracting(.silentSuccess)))
        do {
            try ring()
        } catch {
            _ = core.bindingOperations.withLock { $0.removeValue(forKey: wire) }
            throw error
        }
    }

    /// A request was refused before it came here; what was deferred before it is handed over all the same (rule 2.6).
    mutating func refuse(_ error: PostError) -> PostError {
        core.adapter.core.noteRefusedRequest(error)
        guard chain.count > 0, case .some = try? poster.pass(core) else { return error }
        defer { poster.leave() }
        ringAccepted()
        return error
    }

    // MARK: Preparing

    /// Gives the request its position and adds it to the chain; a failure hands over what was deferred before it.
    @inline(__always)
    mutating func prepare(
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
            core.adapter.core.noteRefusedRequest(error)
            ringAccepted()
            throw error
        }
    }

    @inline(__always)
    private mutating func place(
        _ elements: Span<ScatterGatherElement>, areSinks: Bool
    ) throws(PostError) -> Int {
        try poster.place(elements, areSinks: areSinks, tokens: tokens, limits: limits, in: &chain)
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
            if let key = request.invalidatedKey {
                chain.appendSend(
                    identifier: identifier, elementCount: elementCount, flags: flags, invalidatedKey: key)
            } else {
                chain.appendSend(identifier: identifier, elementCount: elementCount, flags: flags)
            }
        }
    }
}
