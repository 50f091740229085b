import Synchronization

/// All timelines of one adapter: one for each send queue and each receive queue.
@usableFromInline
package final class QueueTable: Sendable {
    /// Where each queue is, by the index in its identifier.
    @usableFromInline let states = ChunkedTable<QueueState>()
    /// Whether posters pay for the barrier that nobody can issue on their behalf.
    let ownerFences: Bool
    /// As many as a `WireID` has room for beside the shared receive queues.
    private let free = Locked(FreeList<QueueState>(0..<QueueID.sharedBit))

    /// How many queues can be open at a time.
    package static var capacity: Int { Int(QueueID.sharedBit) }

    /// - Parameter ownerFences: true where no barrier can be issued on a posting thread's behalf.
    package init(ownerFences: Bool) {
        self.ownerFences = ownerFences
    }

    /// Begins a timeline.
    ///
    /// - Parameters:
    ///   - depth: how many requests may be posted and not yet retired.
    ///   - elements: how many mappings one request may name.
    ///   - position: where the timeline begins; tests begin it shortly before its 32 bits in a `wr_id` wrap.
    /// - Returns: nil when `capacity` queues are open.
    package func open(depth: Int, elements: Int, from position: UInt64 = 0) -> QueueID? {
        guard let index = free.withLock({ $0.take(from: states) { QueueState(ownerFences: ownerFences) } })
        else { return nil }
        let state = unsafe states.element(at: index)!
        unsafe state.pointee.prepareRing(depth: depth, elements: elements)
        return unsafe state.pointee.open(at: index, from: position)
    }

    /// Frees the slot of a queue that `QueueState.id` no longer names.
    func giveIndex(_ index: UInt32) {
        free.withLock { $0.give(index, to: states) }
    }

    /// The state of an open queue; nil once it is closed.
    func state(of queue: QueueID) -> UnsafeMutablePointer<QueueState>? {
        // A closed slot's id is zero, and so is the owner of a fence that nobody took.
        guard queue.raw != 0, let state = unsafe states.element(at: queue.index),
            unsafe state.pointee.id.load(ordering: .acquiring) == queue.raw
        else { return nil }
        return unsafe state
    }

    /// Whether the queue is not closed yet.
    package func isOpen(_ queue: QueueID) -> Bool {
        unsafe state(of: queue) != nil
    }

    /// The last position that was given to a request; zero for a closed queue.
    package func posted(_ queue: QueueID) -> UInt64 {
        unsafe state(of: queue)?.pointee.posted.load(ordering: .acquiring) ?? 0
    }

    /// Whether uses by outstanding requests of the queue are counted, because mappings had no fence left for it.
    package func hasCountedUses(_ queue: QueueID) -> Bool {
        guard let state = unsafe state(of: queue) else { return false }
        return unsafe state.pointee.lastCounted.load(ordering: .acquiring)
            > state.pointee.completed.load(ordering: .acquiring)
    }

    /// How many requests of the queue are posted and not retired; zero for a closed queue.
    package func outstanding(_ queue: QueueID) -> UInt64 {
        guard let state = unsafe state(of: queue) else { return 0 }
        let completed = unsafe state.pointee.completed.load(ordering: .acquiring)
        let posted = unsafe state.pointee.posted.load(ordering: .acquiring)
        return posted > completed ? posted - completed : 0
    }
}
