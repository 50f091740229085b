public import Synchronization

/// Why a request may not name what it names.
@usableFromInline
package enum UseError: Error, Hashable {
    /// No live mapping has the address.
    case unmapped
    /// The mapping ends before the request does.
    case beyondEnd
}

/// The posting side of one queue: gives every request its position and leaves a fence at each mapping it names.
///
/// One request is prepared at a time:
///
/// ```
/// begin() -> use(...) for each element -> commit(...) or abandon()
/// ```
///
/// Its users are serialized by the owner; polling, releasing and other queues run beside it. The device layer posts
/// after `commit`, and says with `withdraw` which requests the device did not take.
/// - Complexity: a store and a load to pass and a store to leave; a store at `begin`; for each element a few loads of
///   one cache line and a store to it; one entry at `commit`. Nothing is allocated, and nothing read-modify-written.
@usableFromInline @safe
package struct RequestPoster: ~Copyable {
    /// The queue that it posts to.
    @usableFromInline package let queue: QueueID
    /// How many requests may be posted and not retired.
    package let depth: UInt64
    private let mappings: MappingTable

    // What a request needs, one load away.
    @usableFromInline let slots: ChunkedTable<MappingSlot>
    @usableFromInline let state: UnsafeMutablePointer<QueueState>
    @usableFromInline let ring: RequestRing
    @usableFromInline let wire: WireID
    @usableFromInline let ownerFences: Bool

    /// The last position that was given to a request; the poster's own copy of what others see in `state`.
    @usableFromInline package internal(set) var posted: UInt64
    /// The last position for which there is room, as of the completed position when last looked at; looking again
    /// costs the poller a cache line.
    @usableFromInline var limit: UInt64

    /// The poster of a queue that was opened with the same depth; there is one for each queue.
    package init(queue: QueueID, depth: Int, mappings: MappingTable) {
        guard let state = unsafe mappings.queues.state(of: queue) else {
            fatalError("RequestPoster: \(queue) is closed")
        }
        guard unsafe depth <= state.pointee.ring.capacity else {
            fatalError("RequestPoster: \(queue) was not opened for \(depth) requests")
        }
        self.queue = queue
        self.depth = UInt64(depth)
        self.mappings = mappings
        slots = mappings.slots
        unsafe self.state = state
        unsafe ring = state.pointee.ring
        wire = WireID(queue: queue)
        ownerFences = mappings.queues.ownerFences
        posted = unsafe state.pointee.posted.load(ordering: .acquiring)
        limit = unsafe state.pointee.completed.load(ordering: .acquiring) + UInt64(depth)
    }
}

// MARK: Passing

extension RequestPoster {
    /// Passes the queue's turnstile; every post happens between `enter` and `leave`.
    @inlinable @inline(__always)
    package func enter() -> Turnstile.Entry {
        unsafe state.pointee.turnstile.enter()
    }

    /// Leaves the turnstile after the device took the requests.
    @inlinable @inline(__always)
    package func leave() {
        unsafe state.pointee.turnstile.leave()
    }
}

// MARK: One request

extension RequestPoster {
    /// Takes the next position.
    ///
    /// - Returns: false if `depth` requests are posted and not retired.
    @inlinable @inline(__always)
    package mutating func begin() -> Bool {
        guard posted < limit || hasRoom() else { return false }
        posted &+= 1
        // Before any fence: a fence beyond `posted` counts as withdrawn.
        unsafe state.pointee.posted.store(posted, ordering: .relaxed)
        return true
    }

    /// Whether there is room after all; looks how far the queue completed.
    @usableFromInline @inline(never)
    mutating func hasRoom() -> Bool {
        limit = unsafe state.pointee.completed.load(ordering: .acquiring) + depth
        return posted < limit
    }

    /// Notes that the request names `length` bytes at a logical address.
    ///
    /// - Returns: the key by which the device knows that memory.
    @inlinable @inline(__always)
    package mutating func use(address: UInt64, length: UInt32) throws(UseError) -> UInt32 {
        guard let slot = unsafe slots.element(at: AddressLayout.slot(of: address)) else { throw .unmapped }
        let base = unsafe slot.pointee.base.load(ordering: .acquiring)
        let mapped = unsafe slot.pointee.length.load(ordering: .relaxed)
        let offset = address &- base
        guard offset < mapped else { throw .unmapped }
        guard UInt64(length) <= mapped &- offset else { throw .beyondEnd }
        let key = unsafe slot.pointee.key.load(ordering: .relaxed)
        unsafe leaveFence(at: slot, address)
        // A release closes the mapping before it looks at the fences; whoever comes second sees the other.
        guard unsafe slot.pointee.base.load(ordering: .acquiring) == base else { throw .unmapped }
        return key
    }

    /// Writes the position where a release finds it.
    @inlinable @inline(__always)
    mutating func leaveFence(at slot: UnsafeMutablePointer<MappingSlot>, _ address: UInt64) {
        for index in 0..<MappingSlot.fenceCount
        where unsafe slot.pointee.fences[index].queue.load(ordering: .relaxed) == queue.raw {
            unsafe slot.pointee.fences[index].position.store(posted, ordering: .releasing)
            if ownerFences { atomicMemoryFence(ordering: .sequentiallyConsistent) }
            return
        }
        unsafe leaveFirstFence(at: slot, address)
    }

    /// Takes a fence for this queue, or counts the use where all are taken by queues that are open.
    @usableFromInline @inline(never)
    mutating func leaveFirstFence(at slot: UnsafeMutablePointer<MappingSlot>, _ address: UInt64) {
        guard let index = unsafe slot.pointee.claimFence(for: queue, in: mappings.queues) else {
            unsafe slot.pointee.hold(.request)
            ring.appendCounted(AddressLayout.slot(of: address), at: posted)
            unsafe state.pointee.lastCounted.store(posted, ordering: .relaxed)
            return
        }
        unsafe slot.pointee.fences[index].position.store(posted, ordering: .releasing)
        // The store alone is no barrier between it and the load of the mapping's base that follows.
        if ownerFences { atomicMemoryFence(ordering: .sequentiallyConsistent) }
    }

    /// Completes the preparation: the request may go to the device.
    ///
    /// What it writes needs no ordering of its own. It reaches whoever polls the completion through the device, which
    /// orders a post after what came before it, and a polled completion before what comes after it.
    /// - Returns: what its `wr_id` must be.
    @inlinable @inline(__always)
    package mutating func commit(context: UInt64, tag: UInt32) -> WireID {
        ring[posted] = Request(context: context, tag: tag)
        return wire.at(posted)
    }

    /// Gives the position back; the request goes nowhere.
    package mutating func abandon() {
        mappings.dropCountedUses(of: ring, at: posted)
        takeBack(1)
    }

    /// Takes back the last `count` committed requests, which the device refused; `body` sees each, the oldest first.
    package mutating func withdraw(_ count: UInt64, _ body: (Request) -> Void) {
        for position in (posted - count)..<posted {
            mappings.dropCountedUses(of: ring, at: position + 1)
            body(ring[position + 1])
        }
        takeBack(count)
    }

    private mutating func takeBack(_ count: UInt64) {
        posted -= count
        unsafe state.pointee.posted.store(posted, ordering: .releasing)
    }
}
