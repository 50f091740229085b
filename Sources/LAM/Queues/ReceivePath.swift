public import Tracking
public import Verbs

/// The hot path of receives.
@usableFromInline
struct ReceivePath: ~Copyable, Sendable {
    private let core: QueuePairCore
    @usableFromInline let target: PostTarget
    @usableFromInline var poster: RequestPoster
    @usableFromInline var single = SingleReceive()
    private var chain: ReceiveChain
    @usableFromInline let adapter: ObjectIdentifier
    private let tokens: ElementTokens
    private let limits: ElementLimits
    /// Bytes of a receive of one element.
    @usableFromInline let lengthLimit: UInt64

    init(_ core: QueuePairCore) {
        self.core = core
        target = core.queuePair.postTarget
        poster = RequestPoster(
            queue: core.receiveQueue, depth: core.capacity.receiveDepth, mappings: core.adapter.core.mappings)
        chain = ReceiveChain(capacity: 1, elementsPerRequest: max(1, core.capacity.receiveElements))
        adapter = ObjectIdentifier(core.adapter)
        tokens = ElementTokens(of: core.adapter.core)
        limits = ElementLimits(count: core.capacity.receiveElements, bytes: UInt64(Int64.max))
        lengthLimit = limits.count == 0 ? 0 : UInt64(UInt32.max)
    }

    /// Posts one receive into bytes of one mapping.
    ///
    /// As with sends, everything but the usual case goes the way of any number of elements.
    @inlinable @inline(__always)
    mutating func post(
        _ mapping: borrowing LogicalAddressMapping, _ bytes: Range<Int>, context: UInt64
    ) throws(PostError) {
        guard mapping.adapterID == adapter else { return try refuseForeign() }
        let place = mapping.place
        guard isUsual(bytes, of: place), poster.beginAtOnce(using: place) else {
            return try postUnusually(place, bytes, context: context)
        }
        let address = place.base &+ UInt64(truncatingIfNeeded: bytes.lowerBound)
        // Not longer than that: `isUsual`.
        let length = UInt32(truncatingIfNeeded: bytes.upperBound &- bytes.lowerBound)
        try postSingle(KeyedAddress(address: address, key: place.key), length, context: context)
    }

    /// Posts the receive that the poster has begun at once, and leaves.
    @inlinable @inline(__always)
    mutating func postSingle(_ memory: KeyedAddress, _ length: UInt32, context: UInt64) throws(PostError) {
        defer { poster.leave() }
        let wire = poster.commit(context: context, tag: RequestTag(.receive, isSilent: false).rawValue)
        let code = single.post(
            identifier: wire.raw, address: memory.address, length: length, key: memory.key, to: target)
        if code != 0 { try refuseSingle(code) }
    }

    /// Whether the bytes lie in the mapping, may be written, and are some but fewer than 4 GiB.
    @inlinable @inline(__always)
    func isUsual(_ bytes: Range<Int>, of place: MappingPlace) -> Bool {
        // A range's bounds are in order: their difference does not overflow, and 0 less 1 is longer than any limit.
        let count = UInt64(bitPattern: Int64(bytes.upperBound &- bytes.lowerBound))
        return bytes.lowerBound >= 0 && UInt64(bitPattern: Int64(bytes.upperBound)) <= place.length
            && count &- 1 < lengthLimit && place.isWritable
    }

    @usableFromInline @inline(never)
    mutating func refuseSingle(_ code: CInt) throws(PostError) {
        guard case .refused(_, let code) = single.outcome(code) else { return }
        poster.withdraw(1) { _ in }
        poster.disown(address: single.address)
        throw .verbFailed(verb: "ibv_post_recv", errno: code)
    }

    /// Another adapter's mapping, whose address and token may by chance be right here, too.
    @usableFromInline @inline(never)
    func refuseForeign() throws(PostError) {
        let error = PostError.unknownAddress(element: 0)
        core.adapter.core.noteRefusedRequest(error)
        throw error
    }

    @usableFromInline @inline(never)
    mutating func postUnusually(
        _ place: MappingPlace, _ bytes: Range<Int>, context: UInt64
    ) throws(PostError) {
        let element: InlineArray<1, ScatterGatherElement> = [place.element(bytes, token: tokens.privileged)]
        try post(element.span, context: context)
    }

    /// Posts one receive.
    @inline(__always)
    mutating func post(_ elements: Span<ScatterGatherElement>, context: UInt64) throws(PostError) {
        // 0 less 1 is longer than any limit.
        if elements.count == 1, elements[0].token == tokens.privileged,
            UInt64(elements[0].length) &- 1 < lengthLimit,
            let memory = poster.beginAtOnce(
                at: elements[0].address.rawValue, length: elements[0].length, isSink: true)
        {
            return try postSingle(memory, elements[0].length, context: context)
        }
        try poster.pass(core)
        defer { poster.leave() }
        guard poster.begin() else {
            throw core.sharedReceives == nil ? .queueFull(depth: core.capacity.receiveDepth) : .receivesAreShared
        }
        let count: Int
        do throws(PostError) {
            count = try poster.place(elements, areSinks: true, tokens: tokens, limits: limits, in: &chain)
        } catch {
            poster.abandon()
            core.adapter.core.noteRefusedRequest(error)
            throw error
        }
        let wire = poster.commit(context: context, tag: RequestTag(.receive, isSilent: false).rawValue)
        chain.append(identifier: wire.raw, elementCount: count)
        let outcome = chain.post(to: target)
        chain.reset()
        guard case .refused(_, let code) = outcome else { return }
        try refuse(elements, code)
    }

    /// The device refused the receive.
    @inline(never)
    private mutating func refuse(_ elements: Span<ScatterGatherElement>, _ code: CInt) throws(PostError) {
        poster.withdraw(1) { _ in }
        for index in elements.indices { poster.disown(address: elements[index].address.rawValue) }
        throw .verbFailed(verb: "ibv_post_recv", errno: code)
    }
}
