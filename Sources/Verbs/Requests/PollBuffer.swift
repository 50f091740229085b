public import CRDMA

/// Room for the completions of one poll.
///
/// Nothing here allocates, locks or counts references.
@usableFromInline @safe
package struct PollBuffer: ~Copyable, @unchecked Sendable {
    /// How many completions a poll takes at most.
    @usableFromInline package let capacity: Int
    /// How many the last poll took.
    @usableFromInline package internal(set) var count = 0

    // The array belongs to this value alone, which makes it `@unchecked Sendable`.
    @usableFromInline let completions: UnsafeMutablePointer<ibv_wc>

    /// Allocates room; no call after this allocates.
    package init(capacity: Int) {
        guard capacity > 0 else { fatalError("PollBuffer: room for \(capacity) completions") }
        self.capacity = capacity
        unsafe completions = .allocate(capacity: capacity)
        unsafe completions.initialize(repeating: ibv_wc(), count: capacity)
    }

    deinit { unsafe completions.deallocate() }

    /// Takes completions from a queue, oldest first, over those of the last poll (`ibv_poll_cq`).
    ///
    /// - Returns: How many; less than `capacity` means that the queue is empty now.
    /// - Throws: `EIO` when the device fails; nothing was taken then.
    @inlinable @inline(__always)
    package mutating func poll(_ target: PollTarget, atMost limit: Int = .max) throws(VerbError) -> Int {
        let taken = unsafe crdma_poll_cq(
            target.raw, CInt(truncatingIfNeeded: min(capacity, limit)), completions)
        count = max(0, Int(taken))
        guard taken >= 0 else { throw Self.failure }
        return count
    }

    /// The verb says no more than that it failed.
    @usableFromInline static var failure: VerbError { VerbError(.pollCompletionQueue, EIO) }

    /// A completion of the last poll.
    @inlinable package subscript(index: Int) -> WorkCompletion {
        guard index >= 0, index < count else { fatalError("PollBuffer: no completion \(index)") }
        return unsafe WorkCompletion(completions[index])
    }

    /// Calls `body` with each completion of the last poll and its index, oldest first.
    @inlinable @inline(__always)
    package func forEach(_ body: (_ index: Int, WorkCompletion) -> Void) {
        for index in 0..<count { body(index, unsafe WorkCompletion(completions[index])) }
    }
}
