import Synchronization

/// A request whose completion was polled.
@usableFromInline
package struct RetiredRequest {
    /// The queue that it was posted to.
    @usableFromInline package let queue: QueueID
    /// What was committed.
    @usableFromInline package let request: Request
    /// How many requests the completion retired: this one and the unsignaled ones before it.
    @usableFromInline package let count: UInt64
    /// Whether fewer requests are outstanding now than the owner of a shared receive queue wants to hear of.
    package let leavesFew: Bool

    init(queue: QueueID, request: Request, count: UInt64, leavesFew: Bool = false) {
        self.queue = queue
        self.request = request
        self.count = count
        self.leavesFew = leavesFew
    }
}

extension MappingTable {
    /// Retires the request whose completion was polled, and every earlier one of its queue. In a shared receive queue,
    /// which has no order, it retires that request alone.
    ///
    /// - Returns: nil if no open queue has such a request outstanding. A device may report a request twice when its
    ///   queue fails, and completions of a destroyed queue pair may still be polled; both are ignored.
    /// - Complexity: O(1), however many requests it retires, as long as every mapping had a fence to spare.
    package func complete(_ wire: WireID) -> RetiredRequest? {
        guard wire.queueIndex & QueueID.sharedBit == 0 else { return completeShared(wire) }
        guard let state = unsafe queues.states.element(at: wire.queueIndex) else { return nil }
        let id = unsafe state.pointee.id.load(ordering: .acquiring)
        guard wire.names(id) else { return nil }
        let completed = unsafe state.pointee.completed.load(ordering: .relaxed)
        let position = wire.position(after: completed)
        guard unsafe position <= state.pointee.posted.load(ordering: .acquiring) else { return nil }
        if unsafe state.pointee.lastCounted.load(ordering: .relaxed) > completed {
            unsafe dropCountedUses(of: state, from: completed + 1, through: position)
        }
        let request = unsafe state.pointee.ring[position]
        // Whoever sees the position also sees that the device is done with the memory.
        unsafe state.pointee.completed.store(position, ordering: .releasing)
        return RetiredRequest(queue: QueueID(raw: id), request: request, count: position &- completed)
    }

    /// Retires everything that a destroyed queue still held, and ends its timeline.
    ///
    /// The caller has shut the queue's turnstile, its poster is gone, nobody polls it, and the device no longer knows
    /// it. Its slot is another queue's as soon as this returns.
    package func closeQueue(_ queue: QueueID) {
        guard let state = unsafe queues.state(of: queue) else { return }
        let completed = unsafe state.pointee.completed.load(ordering: .acquiring)
        let posted = unsafe state.pointee.posted.load(ordering: .acquiring)
        if completed < posted {
            unsafe dropCountedUses(of: state, from: completed + 1, through: posted)
        }
        unsafe state.pointee.close()
        queues.giveIndex(queue.index)
    }

    /// Drops what the requests at these positions counted.
    func dropCountedUses(of state: UnsafeMutablePointer<QueueState>, from first: UInt64, through last: UInt64) {
        for position in first...last { unsafe dropCountedUses(of: state.pointee.ring, at: position) }
    }

    /// Drops what one request counted.
    func dropCountedUses(of ring: RequestRing, at position: UInt64) {
        ring.removeCounted(at: position) { unsafe slots.element(at: $0)!.pointee.drop(.request) }
    }
}
