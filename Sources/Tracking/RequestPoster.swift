public import Synchronization

/// Why a request may not name what it names.
@usableFromInline
package enum UseError: Error, Hashable {
    /// No live mapping has the address.
    case unmapped
    /// The mapping ends before the request does.
    case beyondEnd
    /// The request has the device write to memory that it may only read.
    case notWritable
}

/// Where the device finds memory that a request or a window names.
@usableFromInline
package struct KeyedAddress: Hashable, Sendable {
    /// The device's address of the first byte.
    @usableFromInline package let address: UInt64
    /// The key by which the device knows the memory.
    @usableFromInline package let key: UInt32

    @inlinable @inline(__always)
    package init(address: UInt64, key: UInt32) {
        self.address = address
        self.key = key
    }
}

/// A mapping as a request found it, which may be released at any moment.
@usableFromInline @safe
struct FoundMapping {
    @usableFromInline let slot: UnsafeMutablePointer<MappingSlot>
    /// Its logical address, which tells whether it is still the same.
    @usableFromInline let base: UInt64
    /// What the request names.
    @usableFromInline let memory: KeyedAddress

    @inlinable @inline(__always)
    init(slot: UnsafeMutablePointer<MappingSlot>, base: UInt64, memory: KeyedAddress) {
        unsafe self.slot = unsafe slot
        self.base = base
        self.memory = memory
    }
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
/// - Complexity: a store at `begin`, two loads, a store and two loads for each element, one entry at `commit`.
// Sendable: it has one owner at a time, and `state` is there as long as the table.
@usableFromInline @safe
package struct RequestPoster: ~Copyable, @unchecked Sendable {
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
    package mutating func enter() -> Turnstile.Entry {
        let entry = unsafe state.pointee.turnstile.enter()
        guard case .insideAfterOthers = entry else { return entry }
        catchUp()
        return .inside
    }

    /// Does at once what `enter`, `begin` and `use` do, if none of them has anything to wait or to search for: the
    /// common case of a request that names bytes of one mapping, which nobody can release during the post.
    ///
    /// - Returns: false if they must be asked one by one; nothing has changed then.
    @inlinable @inline(__always)
    package mutating func beginAtOnce(using mapping: MappingPlace) -> Bool {
        // Asked before entering: both stay as they are unless somebody else was inside, who keeps the gate from being
        // passed at once.
        guard posted < limit, let index = unsafe fence(at: mapping.slot) else { return false }
        guard unsafe state.pointee.turnstile.enterAtOnce() else { return false }
        posted &+= 1
        // Before any fence: a fence beyond `posted` counts as withdrawn.
        unsafe state.pointee.posted.store(posted, ordering: .relaxed)
        unsafe mapping.slot.pointee.fences[index].position.store(posted, ordering: .releasing)
        return true
    }

    /// The same for a request that names memory by one address.
    ///
    /// - Parameters:
    ///   - address: of the first byte.
    ///   - length: how many bytes.
    ///   - isSink: whether the device is to write to them.
    /// - Returns: where the device finds that memory; nil where `enter`, `begin` and `use` must be asked one by one, also
    ///   for what is wrong.
    @inlinable @inline(__always)
    package mutating func beginAtOnce(at address: UInt64, length: UInt32, isSink: Bool) -> KeyedAddress? {
        guard posted < limit, unsafe state.pointee.turnstile.enterAtOnce() else { return nil }
        // Inside: a fence stays with its queue until the poster has left.
        guard let found = try? find(address, length: length, isSink: isSink),
            let index = unsafe fence(at: found.slot)
        else {
            leave()
            return nil
        }
        posted &+= 1
        unsafe state.pointee.posted.store(posted, ordering: .relaxed)
        unsafe found.slot.pointee.fences[index].position.store(posted, ordering: .releasing)
        guard isStillThere(found) else {
            takeBack(1)
            leave()
            return nil
        }
        return found.memory
    }

    /// Learns what others posted in this poster's stead. `enter` does so; somebody who holds the queue, and posts with
    /// a poster of its own, does it first.
    @usableFromInline @inline(never)
    package mutating func catchUp() {
        unsafe posted = state.pointee.posted.load(ordering: .acquiring)
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
    /// - Parameters:
    ///   - address: of the first byte.
    ///   - length: how many bytes.
    ///   - isSink: whether the device is to write to them.
    /// - Returns: where the device finds that memory.
    /// - Throws: why the request may not name them; it left no fence then, or one that `abandon` makes void.
    @inlinable @inline(__always)
    package mutating func use(
        address: UInt64, length: UInt32, isSink: Bool = false
    ) throws(UseError) -> KeyedAddress {
        let found = try find(address, length: length, isSink: isSink)
        unsafe leaveFence(at: found.slot, address)
        guard isStillThere(found) else { throw .unmapped }
        return found.memory
    }

    /// Whether `use` would find the mapping; leaves no fence.
    @inlinable @inline(__always)
    package func check(address: UInt64, length: UInt32, isSink: Bool = false) throws(UseError) {
        _ = try find(address, length: length, isSink: isSink)
    }

    /// The mapping that an address is of.
    @inlinable @inline(__always)
    func find(_ address: UInt64, length: UInt32, isSink: Bool) throws(UseError) -> FoundMapping {
        guard let slot = unsafe slots.element(at: AddressLayout.slot(of: address)) else { throw .unmapped }
        let base = unsafe slot.pointee.base.load(ordering: .acquiring)
        let mapped = unsafe slot.pointee.length.load(ordering: .relaxed)
        let offset = address &- base
        guard offset < mapped else { throw .unmapped }
        guard UInt64(length) <= mapped &- offset else { throw .beyondEnd }
        if isSink { guard unsafe slot.pointee.writable.load(ordering: .relaxed) != 0 else { throw .notWritable } }
        return unsafe FoundMapping(
            slot: slot, base: base,
            memory: KeyedAddress(
                address: slot.pointee.device.load(ordering: .relaxed) &+ offset,
                key: slot.pointee.key.load(ordering: .relaxed)))
    }

    /// Whether a mapping at which a fence was left meanwhile may be used.
    @inlinable @inline(__always)
    func isStillThere(_ found: FoundMapping) -> Bool {
        // The store alone is no barrier between it and the load that follows; a release issues one on the poster's
        // behalf, where the system has such a barrier.
        if ownerFences { atomicMemoryFence(ordering: .sequentiallyConsistent) }
        // A release closes the mapping before it looks at the fences; whoever comes second sees the other.
        return unsafe found.slot.pointee.base.load(ordering: .acquiring) == found.base
    }

    /// Lowers the fence that a withdrawn request left at a mapping to the last request that is posted.
    ///
    /// Otherwise whatever is posted next, and gets the withdrawn position, would hold the mapping in its stead.
    /// - Parameter address: a logical address of the mapping, or the device's.
    package func disown(address: UInt64) {
        unsafe mappings.forEachSlot(behind: address) { slot in
            guard let index = unsafe fence(at: slot),
                unsafe slot.pointee.fences[index].position.load(ordering: .relaxed) > posted
            else { return }
            unsafe slot.pointee.fences[index].position.store(posted, ordering: .releasing)
        }
    }

    @inlinable @inline(__always)
    mutating func leaveFence(at slot: UnsafeMutablePointer<MappingSlot>, _ address: UInt64) {
        guard let index = unsafe fence(at: slot) else {
            unsafe leaveFirstFence(at: slot, address)
            return
        }
        unsafe slot.pointee.fences[index].position.store(posted, ordering: .releasing)
    }

    /// Which of a mapping's fences this queue has; nil if it has none.
    @inlinable @inline(__always)
    func fence(at slot: UnsafeMutablePointer<MappingSlot>) -> Int? {
        for index in 0..<MappingSlot.fenceCount
        where unsafe slot.pointee.fences[index].queue.load(ordering: .relaxed) == queue.raw {
            return index
        }
        return nil
    }

    /// Takes a fence for this queue, or counts the use where all are taken by queues that are open.
    @usableFromInline @inline(never)
    mutating func leaveFirstFence(at slot: UnsafeMutablePointer<MappingSlot>, _ address: UInt64) {
        // Between the claim and the second look at the mapping: `isUntouched` issues no barrier.
        defer { atomicMemoryFence(ordering: .sequentiallyConsistent) }
        guard let index = unsafe slot.pointee.claimFence(for: queue, in: mappings.queues) else {
            unsafe slot.pointee.hold(.request)
            ring.appendCounted(AddressLayout.slot(of: address), at: posted)
            unsafe state.pointee.lastCounted.store(posted, ordering: .relaxed)
            return
        }
        unsafe slot.pointee.fences[index].position.store(posted, ordering: .releasing)
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

    @usableFromInline
    mutating func takeBack(_ count: UInt64) {
        posted -= count
        unsafe state.pointee.posted.store(posted, ordering: .releasing)
    }
}
