import Synchronization

/// Names one queue for the whole life of its table: a slot is used again, an identifier is not.
package struct QueueID: Hashable, Sendable {
    let raw: UInt64

    var index: Int { Int(truncatingIfNeeded: raw & 0xFFFF_FFFF) }
}

/// All timelines of one adapter: one for each send queue and each receive queue.
package final class QueueTable: Sendable {
    /// As many as a `WireID` has room for.
    static let capacity = 1 << 20

    let states = ChunkedTable<QueueState>(capacity: QueueTable.capacity)
    let ownerFences: Bool
    private let free = Mutex(FreeIndices())

    private struct FreeIndices {
        var closed: [Int] = []
        var unused = 0
    }

    /// - Parameter ownerFences: true where no barrier can be issued on a posting thread's behalf.
    package init(ownerFences: Bool) {
        self.ownerFences = ownerFences
    }

    /// Begins a timeline.
    ///
    /// - Parameters:
    ///   - depth: how many requests may be posted and not yet retired.
    ///   - elements: how many mappings one request may name.
    /// - Returns: nil when 1,048,576 queues are open.
    package func open(depth: Int, elements: Int) -> QueueID? {
        guard let index = takeIndex() else { return nil }
        let state = unsafe states.element(at: index)!
        unsafe state.pointee.ring = RequestRing(depth: depth, elements: elements)
        unsafe state.pointee.generation += 1
        unsafe state.pointee.completed.store(0, ordering: .relaxed)
        unsafe state.pointee.posted.store(0, ordering: .relaxed)
        unsafe state.pointee.lastCounted.store(0, ordering: .relaxed)
        unsafe state.pointee.turnstile.release()
        let id = unsafe QueueID(raw: state.pointee.generation << 32 | UInt64(index))
        unsafe state.pointee.id.store(id.raw, ordering: .releasing)
        return id
    }

    private func takeIndex() -> Int? {
        free.withLock { free in
            if let index = free.closed.popLast() { return index }
            guard free.unused < Self.capacity else { return nil }
            if unsafe states.element(at: free.unused) == nil {
                states.grow(toHold: free.unused) { QueueState(ownerFences: ownerFences) }
            }
            defer { free.unused += 1 }
            return free.unused
        }
    }

    /// Frees the slot of a queue that `QueueState.id` no longer names.
    func giveIndex(_ index: Int) {
        free.withLock { $0.closed.append(index) }
    }

    /// The state of an open queue; nil once it is closed.
    func state(of queue: QueueID) -> UnsafeMutablePointer<QueueState>? {
        guard let state = unsafe states.element(at: queue.index),
            unsafe state.pointee.id.load(ordering: .acquiring) == queue.raw
        else { return nil }
        return unsafe state
    }

    /// Whether the queue is not closed yet.
    package func isOpen(_ queue: QueueID) -> Bool {
        unsafe state(of: queue) != nil
    }

    /// How many requests of the queue are posted and not retired; zero for a closed queue.
    package func outstanding(_ queue: QueueID) -> UInt64 {
        guard let state = unsafe state(of: queue) else { return 0 }
        let completed = unsafe state.pointee.completed.load(ordering: .acquiring)
        let posted = unsafe state.pointee.posted.load(ordering: .acquiring)
        return posted > completed ? posted - completed : 0
    }
}
