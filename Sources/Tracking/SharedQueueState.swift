import Synchronization

/// What is posted to one shared receive queue and not retired, by place: its requests complete in no order.
///
/// One thread posts, and any number retire at a time, because the requests complete on the queues of whoever consumes
/// them. Nobody waits for anybody.
@safe
struct SharedQueueState: ~Copyable {
    let id: QueueID
    /// How many requests may be posted and not retired.
    let depth = Atomic<UInt32>(0)
    /// How many requests were posted so far; the poster's.
    let posted = Atomic<UInt32>(0)
    /// How many requests were retired so far, above; below, the place that was emptied last plus one, or zero if the
    /// poster has taken all of them.
    private let retired = Atomic<UInt64>(0)
    /// With fewer outstanding requests than this, somebody wants to be told; zero once that has happened.
    private let threshold = Atomic<UInt32>(0)
    /// Those of the table of places, which the queue's owner keeps: pollers do not count references.
    private let chunks: ChunkedTable<SharedPlace>.Chunks

    init(_ id: QueueID, places: ChunkedTable<SharedPlace>) {
        self.id = id
        unsafe chunks = places.chunks
    }

    /// A place; nil if there never were so many.
    func place(_ index: UInt32) -> UnsafeMutablePointer<SharedPlace>? {
        unsafe ChunkedTable<SharedPlace>.element(at: index, in: chunks)
    }

    /// How many requests are posted and not retired.
    var outstanding: UInt32 {
        // In this order: what is retired was posted before.
        let retired = retired.load(ordering: .sequentiallyConsistent)
        return posted.load(ordering: .acquiring) &- UInt32(truncatingIfNeeded: retired >> 32)
    }
}

// MARK: Emptied places

extension SharedQueueState {
    /// Gives the place of a retired request back.
    func giveBack(_ index: UInt32) {
        guard let place = unsafe place(index) else { return }
        var found = retired.load(ordering: .relaxed)
        while true {
            unsafe place.pointee.next = UInt32(truncatingIfNeeded: found)
            let next = (found >> 32 &+ 1) << 32 | UInt64(index + 1)
            // Sequentially consistent: `isLow` is asked next, and `arm` does the same the other way round.
            let given = retired.compareExchange(expected: found, desired: next, ordering: .sequentiallyConsistent)
            if given.exchanged { return }
            found = given.original
        }
    }

    /// Takes all places that were given back; the poster has none left.
    ///
    /// - Returns: the first of a list of them, plus one; zero if there is none.
    func takeEmptied() -> UInt32 {
        var found = retired.load(ordering: .relaxed)
        while UInt32(truncatingIfNeeded: found) > 0 {
            let taken = retired.compareExchange(
                expected: found, desired: (found >> 32) << 32, ordering: .acquiringAndReleasing)
            if taken.exchanged { break }
            found = taken.original
        }
        return UInt32(truncatingIfNeeded: found)
    }
}

// MARK: The threshold

extension SharedQueueState {
    /// Has the next one told who finds fewer than `threshold` requests outstanding.
    func arm(_ threshold: UInt32) {
        self.threshold.store(threshold, ordering: .sequentiallyConsistent)
    }

    /// Tells nobody any more.
    ///
    /// - Returns: whether somebody was still to be told.
    func disarm() -> Bool {
        threshold.exchange(0, ordering: .acquiringAndReleasing) > 0
    }

    /// Whether fewer requests are outstanding than asked for; says so once.
    func isLow() -> Bool {
        let asked = threshold.load(ordering: .sequentiallyConsistent)
        guard asked > 0, outstanding < asked else { return false }
        return threshold.compareExchange(expected: asked, desired: 0, ordering: .acquiringAndReleasing).exchanged
    }
}
