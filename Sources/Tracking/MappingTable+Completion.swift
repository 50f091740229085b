import Synchronization

/// A request whose completion was polled.
package struct RetiredRequest {
    package let queue: QueueID
    package let request: Request
    /// How many requests the completion retired: this one and the unsignaled ones before it.
    package let count: UInt64
}

extension MappingTable {
    /// Retires the request whose completion was polled, and every earlier one of its queue.
    ///
    /// - Returns: nil if no open queue has such a request outstanding. A device may report a request twice when its
    ///   queue fails, and completions of a destroyed queue pair may still be polled; both are ignored.
    /// - Complexity: O(1), however many requests it retires, as long as every mapping had a fence to spare.
    @inline(__always)
    package func complete(_ wire: WireID) -> RetiredRequest? {
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
        return RetiredRequest(queue: QueueID(raw: id), request: request, count: position - completed)
    }

    /// Retires everything that a destroyed queue still held, and ends its timeline.
    ///
    /// The caller has shut the queue's turnstile, nobody polls it, and the device no longer knows it.
    package func closeQueue(_ queue: QueueID) {
        guard let state = unsafe queues.state(of: queue) else { return }
        let completed = unsafe state.pointee.completed.load(ordering: .acquiring)
        let posted = unsafe state.pointee.posted.load(ordering: .acquiring)
        if completed < posted {
            unsafe dropCountedUses(of: state, from: completed + 1, through: posted)
        }
        unsafe state.pointee.id.store(0, ordering: .releasing)
        unsafe state.pointee.ring = RequestRing(depth: 0, elements: 0)
        queues.giveIndex(queue.index)
    }

    private func dropCountedUses(
        of state: UnsafeMutablePointer<QueueState>, from first: UInt64, through last: UInt64
    ) {
        for position in first...last {
            for use in 0..<(unsafe state.pointee.ring[position].countedUses) {
                unsafe uncount(state.pointee.ring[countedSlot: use, at: position])
            }
        }
    }

    func uncount(_ slot: UInt32) {
        unsafe slots.element(at: Int(slot))!.pointee.counted.subtract(1, ordering: .releasing)
    }
}
