import Glibc
import Synchronization
import Verbs

/// Where the results of requests arrive: `NDK_CQ`.
///
/// One thread polls at a time; the compiler sees to it, because polling mutates. Queue pairs keep their completion
/// queues alive, so that one may be dropped before the other.
public struct CompletionQueue: ~Copyable, Sendable {
    let core: CompletionQueueCore
    /// Set when `close` has given the queue up, so that `deinit` has nothing left to do.
    private var isSpent = false

    init(core: CompletionQueueCore) {
        self.core = core
    }

    deinit {
        if !isSpent { core.notifier.end() }
    }

    /// How many completions it can hold; at least what was asked for.
    public var depth: Int { core.depth }

    /// Takes the completions that are there into `batch`, without waiting.
    ///
    /// Silent requests that succeeded give none. Results come in the order in which each queue was posted to.
    /// - Returns: how many; 0 also at the moment when the adapter polls in your stead, for a release that waits or a queue
    ///   pair that ends. What it finds waits here for the next poll.
    /// - Complexity: one `ibv_poll_cq`; allocates nothing, takes no lock.
    public mutating func poll(into batch: inout CompletionBatch) -> Int {
        _ = core.poll(into: &batch)
        return batch.count
    }

    /// Takes no more than `count` of the completions that are there into `batch`; further ones stay in the queue.
    ///
    /// - Returns: as ``poll(into:)``.
    /// - Complexity: as ``poll(into:)``.
    public mutating func poll(into batch: inout CompletionBatch, atMost count: Int) -> Int {
        batch.entries.limit(to: count)
        defer { batch.entries.limit(to: .max) }
        return poll(into: &batch)
    }

    /// Takes completions into `batch`, waiting for the first one.
    ///
    /// - Parameters:
    ///   - batch: takes the place of what the last poll gave.
    ///   - timeout: how long to wait at most; nil waits without end.
    /// - Returns: how many; 0 after the timeout.
    /// - Throws: ``AdapterError/verbFailed(verb:errno:)`` if the device cannot raise events,
    ///   ``AdapterError/completionsLost`` or ``AdapterError/deviceFailed`` instead of waiting for what will not come.
    public mutating func wait(
        into batch: inout CompletionBatch, atMost timeout: Duration? = nil
    ) throws(AdapterError) -> Int {
        let deadline = timeout.map { MonotonicTime.now.advanced(by: $0) }
        // Before the device is armed: whoever else takes its event then knows that it must be passed on.
        core.isAwaited.store(true, ordering: .sequentiallyConsistent)
        defer { core.isAwaited.store(false, ordering: .releasing) }
        while true {
            core.pollInTurn(into: &batch)
            if batch.count > 0 { return batch.count }
            try core.armDevice(solicitedOnly: false)
            // Arming concerns later completions only (T44).
            core.pollInTurn(into: &batch)
            if batch.count > 0 { return batch.count }
            guard try core.waitForEvent(until: deadline) else { return 0 }
        }
    }

    /// Gives the queue up: `NdkCloseCq`. Its callback is not called any more, and does not run when this returns, unless
    /// this is called inside of it.
    ///
    /// The queue ends when the last of the queue pairs that complete here has ended; results that nobody polled are gone
    /// then. Waits for that; dropping a queue does the same in the background.
    /// - Parameter patience: how long to wait; nil waits without end.
    /// - Throws: ``AdapterError/queuePairsLeft(numbers:)`` when the time is over. The queue ends by itself with the last
    ///   of these.
    public consuming func close(waiting patience: Duration? = nil) throws(AdapterError) {
        isSpent = true
        core.notifier.end()
        core.notifier.awaitEnd()
        try core.awaitQueuePairs(atMost: patience)
    }
}

extension Adapter {
    /// Creates a completion queue: `NdkCreateCq`.
    ///
    /// - Parameters:
    ///   - depth: how many results may be waiting. It grows by itself where the queue pairs that complete on it can have
    ///     more requests outstanding.
    ///   - notify: called once for each ``CompletionQueue/arm(for:)``, on a thread of the queue's own, never twice at a
    ///     time, and not after ``CompletionQueue/close(waiting:)`` has returned.
    /// - Returns: an empty queue.
    /// - Throws: ``AdapterError/limitExceeded(what:asked:limit:)`` beyond ``AdapterInfo/maxCompletionQueueDepth``.
    public func createCompletionQueue(
        depth: Int, notify: (@Sendable (CompletionQueueNotification) -> Void)? = nil
    ) throws(AdapterError) -> CompletionQueue {
        try info.check("completion queue depth", depth, atMost: info.maxCompletionQueueDepth)
        try checkOpen()
        return CompletionQueue(core: try CompletionQueueCore(adapter: self, depth: depth, notify: notify))
    }
}
