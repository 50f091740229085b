public import Synchronization

/// One queue's timeline: how far it was posted, how far it completed, and the requests in between.
///
/// A send queue and a receive queue each complete in order, so two numbers say everything. `completed` belongs to
/// whoever polls, `posted` to whoever posts; they live on cache lines of their own.
@usableFromInline
package struct QueueState: ~Copyable, Reusable {
    // MARK: The poller's cache line

    /// Index and generation of the queue, zero while the slot has none.
    @usableFromInline let id = Atomic<UInt64>(0)
    /// Every request up to this position is retired.
    @usableFromInline let completed = Atomic<UInt64>(0)
    /// The latest position with a counted use: once it is retired, nobody needs to look for counted uses.
    ///
    /// The poster writes it, but rarely: the poller looks at it every time.
    @usableFromInline let lastCounted = Atomic<UInt64>(0)

    /// The requests that are posted and not retired.
    @usableFromInline private(set) var ring = RequestRing(depth: 0, elements: 0)
    /// How many queues had the slot.
    var generation: UInt32 = 0
    private let nextFree = Atomic<UInt32>(0)

    // MARK: The poster's cache line

    /// Every request up to this position is posted, or about to be.
    @usableFromInline let posted = Atomic<UInt64>(0)
    /// Posts pass here, and so does whoever must keep them out.
    @usableFromInline let turnstile: Turnstile
    private let padding: InlineArray<5, UInt64> = [0, 0, 0, 0, 0]

    /// A slot without a queue.
    init(ownerFences: Bool) {
        turnstile = Turnstile(ownerFences: ownerFences)
    }

    deinit {
        ring.deallocate()
    }

    /// Gives a slot that has no timeline room for `depth` requests.
    mutating func prepareRing(depth: Int, elements: Int) {
        ring.deallocate()
        ring = RequestRing(depth: depth, elements: elements)
    }

    /// Begins a timeline in a slot that has none.
    mutating func open(at index: UInt32, from position: UInt64) -> QueueID {
        completed.store(position, ordering: .relaxed)
        posted.store(position, ordering: .relaxed)
        lastCounted.store(0, ordering: .relaxed)
        turnstile.release()
        generation += 1
        let queue = QueueID(index: index, generation: generation)
        id.store(queue.raw, ordering: .releasing)
        return queue
    }

    /// Ends the timeline.
    mutating func close() {
        id.store(0, ordering: .releasing)
        prepareRing(depth: 0, elements: 0)
    }

    // MARK: Free

    var nextFreeIndex: UInt32 { nextFree.load(ordering: .relaxed) }

    func setNextFreeIndex(_ index: UInt32) { nextFree.store(index, ordering: .relaxed) }
}
