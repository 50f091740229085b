public import Synchronization
public import Tracking
public import Verbs

// Inlined into the program, as `ibv_post_send` is: most of a request's flags and of its remote memory is known there.

extension SendPath {
    /// Posts one request over bytes of one mapping.
    ///
    /// The usual case is done here and nothing else: no deferred request before it, neither empty nor too long, nobody
    /// to wait for, and room in the queue. Everything else goes the way of any number of elements.
    @inlinable @inline(__always)
    mutating func post(
        _ operation: Operation, _ mapping: borrowing LogicalAddressMapping, _ bytes: Range<Int>,
        _ remote: RemoteMemory = RemoteMemory(address: 0, key: 0), context: UInt64, flags: RequestFlags
    ) throws(PostError) {
        guard mapping.adapterID == adapter else { return try refuseForeign() }
        // From here on its place is all that is needed of the mapping, which spares registers.
        let place = mapping.place
        guard isUsual(operation, bytes, of: place, flags), poster.beginAtOnce(using: place) else {
            return try postUnusually(place, bytes, remote, context: context, flags: flags, operation)
        }
        let address = place.base &+ UInt64(truncatingIfNeeded: bytes.lowerBound)
        // Not longer than that: `isUsual`.
        let length = UInt32(truncatingIfNeeded: bytes.upperBound &- bytes.lowerBound)
        try postSingle(
            operation, KeyedAddress(address: address, key: place.key), length, remote, context: context, flags: flags)
    }

    /// Posts the request that the poster has begun at once, and leaves.
    @inlinable @inline(__always)
    mutating func postSingle(
        _ operation: Operation, _ memory: KeyedAddress, _ length: UInt32, _ remote: RemoteMemory, context: UInt64,
        flags: RequestFlags
    ) throws(PostError) {
        defer { poster.leave() }
        let tag = RequestTag(operation, isSilent: flags.has(.silentSuccess))
        let wire = poster.commit(context: context, tag: tag.rawValue)
        let code = single.post(
            operation.verb, identifier: wire.raw, flags: signal(flags), address: memory.address, length: length,
            key: memory.key, remoteAddress: remote.address, remoteKey: remote.key, to: target)
        if code != 0 { try refuseSingle(code) }
    }

    /// Whether the bytes lie in the mapping and nothing about the request needs a second look.
    @inlinable @inline(__always)
    func isUsual(
        _ operation: Operation, _ bytes: Range<Int>, of place: MappingPlace, _ flags: RequestFlags
    ) -> Bool {
        // A range's bounds are in order: their difference does not overflow, and 0 less 1 is longer than any limit.
        let count = UInt64(bitPattern: Int64(bytes.upperBound &- bytes.lowerBound))
        return bytes.lowerBound >= 0 && UInt64(bitPattern: Int64(bytes.upperBound)) <= place.length
            && count &- 1 < lengthLimit && !flags.isUnusual && chain.count == 0
            && (operation != .read || place.isWritable)
    }

    /// The flags for the device. A silent request is unsignaled, except one in every half queue, which lets the device
    /// and the timeline move on.
    @inlinable @inline(__always)
    mutating func signal(_ flags: RequestFlags) -> SendFlags {
        // Solicited has the same bit in both, the read fence the next lower one.
        let device =
            flags.rawValue & RequestFlags.solicitEvent.rawValue
            | (flags.rawValue & RequestFlags.readFence.rawValue) >> 1
        if flags.has(.silentSuccess),
            // Relaxed: the poster's own store, or that of one who kept it out meanwhile.
            poster.posted &- core.lastSignaled.load(ordering: .relaxed) <= unsignaledLimit
        {
            return SendFlags(rawValue: device)
        }
        core.lastSignaled.store(poster.posted, ordering: .releasing)
        return SendFlags(rawValue: device | SendFlags.signaled.rawValue)
    }

    /// Another adapter's mapping, whose address and token may by chance be right here, too.
    @usableFromInline @inline(never)
    mutating func refuseForeign() throws(PostError) {
        throw refuse(.unknownAddress(element: 0))
    }

    @usableFromInline @inline(never)
    mutating func postUnusually(
        _ place: MappingPlace, _ bytes: Range<Int>, _ remote: RemoteMemory, context: UInt64, flags: RequestFlags,
        _ operation: Operation
    ) throws(PostError) {
        let element: InlineArray<1, ScatterGatherElement> = [place.element(bytes, token: tokens.privileged)]
        try post(
            Request(operation: operation, context: context, flags: flags, remote: remote), element.span)
    }

    @usableFromInline @inline(never)
    mutating func refuseSingle(_ code: CInt) throws(PostError) {
        guard case .refused(_, let code) = single.outcome(code) else { return }
        _ = withdraw(1)
        poster.disown(address: single.address)
        throw .verbFailed(verb: "ibv_post_send", errno: code)
    }
}

extension Operation {
    /// What the device is told of a request with elements.
    @inlinable @inline(__always)
    var verb: SendOperation {
        switch self {
        case .write: .write
        case .read: .read
        default: .send
        }
    }
}
