import Synchronization

/// Why a request may not name what it names.
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
/// - Complexity: a store at `begin`, two loads, a store and two loads for each element, one entry at `commit`.
@safe
package struct RequestPoster: ~Copyable {
    package let queue: QueueID
    package let depth: UInt64
    private let mappings: MappingTable
    private let state: UnsafeMutablePointer<QueueState>

    /// The completed position when last looked at; looking again costs the poller a cache line.
    private var knownCompleted: UInt64 = 0
    private var preparing: UInt64 = 0
    private var countedUses: UInt32 = 0

    /// The poster of a queue that was opened with the same depth; there is one for each queue.
    package init(queue: QueueID, depth: Int, mappings: MappingTable) {
        guard let state = unsafe mappings.queues.state(of: queue) else {
            fatalError("RequestPoster: \(queue) is closed")
        }
        self.queue = queue
        self.depth = UInt64(depth)
        self.mappings = mappings
        unsafe self.state = state
    }

    /// The last position that was given to a request.
    package var posted: UInt64 {
        unsafe state.pointee.posted.load(ordering: .relaxed)
    }

    // MARK: Passing

    /// Passes the queue's turnstile; every post happens between `enter` and `leave`.
    @inline(__always)
    package func enter() -> Turnstile.Entry {
        unsafe state.pointee.turnstile.enter()
    }

    /// Leaves the turnstile after the device took the requests.
    @inline(__always)
    package func leave() {
        unsafe state.pointee.turnstile.leave()
    }

    // MARK: One request

    /// Takes the next position.
    ///
    /// - Returns: false if `depth` requests are posted and not retired.
    @inline(__always)
    package mutating func begin() -> Bool {
        let last = posted
        if last &- knownCompleted >= depth {
            unsafe knownCompleted = state.pointee.completed.load(ordering: .acquiring)
            guard last &- knownCompleted < depth else { return false }
        }
        preparing = last &+ 1
        countedUses = 0
        // Before any fence: a fence beyond `posted` counts as withdrawn.
        unsafe state.pointee.posted.store(preparing, ordering: .relaxed)
        return true
    }

    /// Notes that the request names `length` bytes at a logical address.
    ///
    /// - Returns: the key by which the device knows that memory.
    @inline(__always)
    package mutating func use(address: UInt64, length: UInt32) throws(UseError) -> UInt32 {
        guard let slot = unsafe mappings.slots.element(at: Int(AddressLayout.slot(of: address))) else {
            throw .unmapped
        }
        let base = unsafe slot.pointee.base.load(ordering: .relaxed)
        let mapped = unsafe slot.pointee.length.load(ordering: .acquiring)
        let offset = address &- base
        guard offset < mapped else { throw .unmapped }
        guard UInt64(length) <= mapped - offset else { throw .beyondEnd }
        let key = unsafe slot.pointee.key.load(ordering: .relaxed)
        unsafe leaveFence(at: slot)
        // A release closes the mapping before it looks at the fences; whoever comes second sees the other.
        guard unsafe slot.pointee.length.load(ordering: .acquiring) == mapped,
            unsafe slot.pointee.base.load(ordering: .relaxed) == base
        else { throw .unmapped }
        return key
    }

    @inline(__always)
    private mutating func leaveFence(at slot: UnsafeMutablePointer<MappingSlot>) {
        for index in 0..<MappingSlot.fenceCount
        where unsafe slot.pointee.fences[index].queue.load(ordering: .relaxed) == queue.raw {
            unsafe slot.pointee.fences[index].position.store(preparing, ordering: .releasing)
            if mappings.queues.ownerFences { atomicMemoryFence(ordering: .sequentiallyConsistent) }
            return
        }
        unsafe leaveFirstFence(at: slot)
    }

    /// Takes a fence for this queue, or counts the use where all are taken by queues that are open.
    @inline(never)
    private mutating func leaveFirstFence(at slot: UnsafeMutablePointer<MappingSlot>) {
        for index in 0..<MappingSlot.fenceCount {
            let owner = unsafe slot.pointee.fences[index].queue.load(ordering: .relaxed)
            guard !mappings.queues.isOpen(QueueID(raw: owner)),
                unsafe slot.pointee.fences[index].queue.compareExchange(
                    expected: owner, desired: queue.raw, ordering: .acquiringAndReleasing
                ).exchanged
            else { continue }
            unsafe slot.pointee.fences[index].position.store(preparing, ordering: .sequentiallyConsistent)
            return
        }
        unsafe count(slot)
    }

    private mutating func count(_ slot: UnsafeMutablePointer<MappingSlot>) {
        unsafe slot.pointee.counted.add(1, ordering: .sequentiallyConsistent)
        unsafe state.pointee.ring[countedSlot: countedUses, at: preparing] = slotIndex(of: slot)
        countedUses += 1
    }

    private func slotIndex(of slot: UnsafeMutablePointer<MappingSlot>) -> UInt32 {
        unsafe AddressLayout.slot(of: slot.pointee.base.load(ordering: .relaxed))
    }

    /// Completes the preparation: the request may go to the device.
    ///
    /// - Returns: what its `wr_id` must be.
    @inline(__always)
    package mutating func commit(context: UInt64, tag: UInt32) -> WireID {
        unsafe state.pointee.ring[preparing] = Request(context: context, tag: tag, countedUses: countedUses)
        if countedUses > 0 {
            unsafe state.pointee.lastCounted.store(preparing, ordering: .relaxed)
        }
        // Publishes the entry to whoever polls the completion.
        unsafe state.pointee.posted.store(preparing, ordering: .releasing)
        return WireID(queue: queue, position: preparing)
    }

    /// Gives the position back; the request goes nowhere.
    package mutating func abandon() {
        for use in 0..<countedUses {
            unsafe mappings.uncount(state.pointee.ring[countedSlot: use, at: preparing])
        }
        countedUses = 0
        unsafe state.pointee.posted.store(preparing &- 1, ordering: .releasing)
    }

    /// Takes back the last `count` committed requests, which the device refused; `body` sees each, the oldest first.
    package mutating func withdraw(_ count: UInt64, _ body: (Request) -> Void) {
        let first = posted &- count &+ 1
        for position in first..<(first &+ count) {
            let request = unsafe state.pointee.ring[position]
            for use in 0..<request.countedUses {
                unsafe mappings.uncount(state.pointee.ring[countedSlot: use, at: position])
            }
            body(request)
        }
        unsafe state.pointee.posted.store(first &- 1, ordering: .releasing)
    }
}
