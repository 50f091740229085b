import Synchronization

/// The shared receive queues of one adapter, by the index in their identifiers.
@usableFromInline
package final class SharedQueueTable: Sendable {
    private let slots = ChunkedTable<SharedQueueSlot>()
    private let free = Locked(FreeList<SharedQueueSlot>(0..<QueueID.sharedBit))

    init() {}

    /// The most requests that a queue can have outstanding: a `wr_id` names each by its place.
    package static var longestQueue: Int { WireID.placeCount }

    /// Opens a queue.
    ///
    /// - Parameters:
    ///   - depth: how many requests may be posted and not retired, up to `longestQueue`.
    ///   - elements: how many mappings one request may name.
    /// - Returns: nil when 524,288 queues are open.
    package func open(depth: Int, elements: Int) -> SharedQueue? {
        guard let index = free.withLock({ $0.take(from: slots) { SharedQueueSlot() } }) else { return nil }
        let slot = unsafe slots.element(at: index)!
        let generation = unsafe slot.pointee.generation.wrappingAdd(1, ordering: .relaxed).newValue
        let id = QueueID(sharedIndex: index, generation: generation)
        let queue = SharedQueue(id, depth: depth, elements: elements)
        unsafe slot.pointee.state.store(queue.state, ordering: .releasing)
        return queue
    }

    /// Lets no completion find a queue any more, and its slot become another queue's.
    func forget(_ queue: SharedQueue) {
        unsafe slots.element(at: queue.id.sharedIndex)!.pointee.state.store(nil, ordering: .releasing)
        free.withLock { $0.give(queue.id.sharedIndex, to: slots) }
    }

    /// The open queue that a request was posted to, as long as its owner keeps it.
    func state(of wire: WireID) -> UnsafeMutablePointer<SharedQueueState>? {
        guard let slot = unsafe slots.element(at: wire.queueIndex & ~QueueID.sharedBit),
            let state = unsafe slot.pointee.state.load(ordering: .acquiring),
            unsafe wire.names(state.pointee.id.raw)
        else { return nil }
        return unsafe state
    }
}

/// A place in the table of shared receive queues.
@safe
struct SharedQueueSlot: ~Copyable, Reusable {
    /// The queue that has the slot, while it is open.
    let state = unsafe Atomic<UnsafeMutablePointer<SharedQueueState>?>(nil)
    /// How many queues had the slot.
    let generation = Atomic<UInt32>(0)
    private let nextFree = Atomic<UInt32>(0)

    // MARK: Free

    var nextFreeIndex: UInt32 { nextFree.load(ordering: .relaxed) }

    func setNextFreeIndex(_ index: UInt32) { nextFree.store(index, ordering: .relaxed) }
}
