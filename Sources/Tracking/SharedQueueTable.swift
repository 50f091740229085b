import Synchronization

/// The shared receive queues of one adapter.
@usableFromInline
package final class SharedQueueTable: Sendable {
    let states = ChunkedTable<SharedQueueState>()
    private let free = Locked(FreeList<SharedQueueState>(0..<QueueID.sharedBit))

    init() {}

    /// The most requests that a queue can have outstanding: a `wr_id` names each by its place.
    package static var longestQueue: Int { WireID.placeCount }

    /// Opens a queue.
    ///
    /// - Parameters:
    ///   - depth: how many requests may be posted and not retired, up to `longestQueue`.
    ///   - elements: how many mappings one request may name.
    /// - Returns: nil when 524,288 queues are open.
    package func open(depth: Int, elements: Int) -> QueueID? {
        guard let index = free.withLock({ $0.take(from: states) { SharedQueueState() } }) else { return nil }
        return unsafe states.element(at: index)!.pointee.open(at: index, depth: depth, elements: elements)
    }

    /// Frees the slot of a queue that is closed.
    func giveIndex(_ index: UInt32) {
        free.withLock { $0.give(index, to: states) }
    }

    /// The state of an open queue; nil once it is closed.
    func state(of queue: QueueID) -> UnsafeMutablePointer<SharedQueueState>? {
        guard queue.isShared, let state = unsafe states.element(at: queue.sharedIndex),
            unsafe state.pointee.id.load(ordering: .acquiring) == queue.raw
        else { return nil }
        return unsafe state
    }

    /// How many requests of the queue are posted and not retired; zero for a closed queue.
    package func outstanding(_ queue: QueueID) -> Int {
        unsafe Int(state(of: queue)?.pointee.outstanding ?? 0)
    }

    /// Changes how many requests the queue may have outstanding; those which are, stay.
    package func setDepth(_ queue: QueueID, to depth: Int) {
        unsafe state(of: queue)?.pointee.setDepth(depth)
    }

    /// How many elements of the queue's outstanding requests name a mapping, at about this moment.
    ///
    /// - Complexity: O(depth); for reports.
    package func uses(of mapping: MappingID, by queue: QueueID) -> Int {
        unsafe state(of: queue)?.pointee.uses(of: mapping.slot) ?? 0
    }

    // MARK: The threshold

    /// Has the next retirement told that leaves fewer than `threshold` requests outstanding; once.
    package func arm(_ queue: QueueID, below threshold: Int) {
        unsafe state(of: queue)?.pointee.arm(UInt32(threshold))
    }

    /// Has nobody told any more.
    ///
    /// - Returns: whether somebody was still to be told.
    package func disarm(_ queue: QueueID) -> Bool {
        unsafe state(of: queue)?.pointee.disarm() ?? false
    }

    /// Whether fewer requests are outstanding than `arm` asked for. It says so once, here or at a retirement.
    package func isLow(_ queue: QueueID) -> Bool {
        unsafe state(of: queue)?.pointee.isLow() ?? false
    }
}
