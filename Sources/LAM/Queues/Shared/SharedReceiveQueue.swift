import Tracking

/// Receives that several queue pairs take from, each as messages arrive: `NDK_SRQ`.
///
/// It saves memory where many connections are silent most of the time. Queue pairs are made for it with
/// ``Adapter/createQueuePair(sendCompletions:receiveCompletions:receivesFrom:capacity:)``. A receive completes on the
/// receive completion queue of the queue pair whose message took it, with ``Completion/queuePairNumber``; between queue
/// pairs there is no order.
///
/// The failure or the end of a queue pair does not touch the receives that are posted here: they stay for the others,
/// and their memory stays pinned. They end with the shared receive queue, without a completion.
///
/// Receives are posted by one thread at a time; the compiler sees to it, because posting mutates. Everything else may
/// go on beside it.
public struct SharedReceiveQueue: ~Copyable, Sendable {
    private var receives: SharedReceivePath
    let core: SharedReceiveQueueCore
    /// Set when `close` has given the queue up, so that `deinit` has nothing left to do.
    private var isSpent = false

    init(core: SharedReceiveQueueCore) {
        self.core = core
        receives = SharedReceivePath(core)
    }

    deinit {
        guard !isSpent else { return }
        core.telling.end()
        core.adapter.errands.run { [core] in core.surrender() }
    }

    /// The number by which reports of the adapter name it.
    public var number: Int { core.number }

    /// How many receives may be posted and not completed.
    public var depth: Int { core.depth }

    // MARK: Receive

    /// Posts memory for a message of any peer: `NdkSrqReceive`. It may be posted before there is a queue pair.
    ///
    /// - Throws: ``PostError/queueFull(depth:)`` where ``depth`` receives have not been polled, ``PostError/ended`` once
    ///   the device said that the queue failed, and what is wrong with the elements.
    /// - Complexity: an atomic addition for each element; allocates nothing, takes no lock.
    public mutating func receive(
        into elements: Span<ScatterGatherElement>, context: UInt64 = 0
    ) throws(PostError) {
        try receives.post(elements, context: context)
    }

    /// Posts one mapping for a message of any peer.
    ///
    /// - Throws: as with elements; ``PostError/unknownAddress(element:)`` for a mapping of another adapter.
    public mutating func receive(
        into mapping: borrowing LogicalAddressMapping, _ bytes: Range<Int>, context: UInt64 = 0
    ) throws(PostError) {
        try receives.post(mapping, bytes, context: context)
    }

    // MARK: Change

    /// Changes how deep the queue is, and asks for a notification: `NdkModifySrq`.
    ///
    /// The notification comes once, when fewer than `threshold` receives are left, and at once if that is so already.
    /// A receive counts as left until a message takes it, or until its completion is polled where the device does not
    /// tell. What was asked for before is replaced. Waits for the device, as any control verb.
    /// - Parameters:
    ///   - depth: how many receives may be posted and not completed; 0 keeps it.
    ///   - threshold: the number of receives below which to notify; 0 keeps what was asked for before.
    /// - Throws: ``AdapterError/limitExceeded(what:asked:limit:)`` for a depth beyond the adapter or below what is
    ///   posted, and for a threshold beyond the depth; ``AdapterError/verbFailed(verb:errno:)`` if `ibv_modify_srq`
    ///   refuses. A depth that was changed before the threshold was refused stays changed.
    public func modify(depth: Int = 0, threshold: Int = 0) throws(AdapterError) {
        try core.modify(depth: depth, threshold: threshold)
    }

    // MARK: End

    /// Gives the queue up: `NdkCloseSrq`. Nothing is notified any more.
    ///
    /// It ends when the last of its queue pairs has ended, and with it what is still posted: that does not complete, and
    /// its mappings are free. Waits for that; dropping a queue does the same in the background, where
    /// a notification that has begun may still be going on.
    /// - Parameter patience: how long to wait; nil waits without end.
    /// - Throws: ``AdapterError/queuePairsLeft(numbers:)`` when the time is over. The queue ends by itself with the last
    ///   of these.
    public consuming func close(waiting patience: Duration? = nil) throws(AdapterError) {
        isSpent = true
        try core.close(waiting: patience)
    }
}

/// What a shared receive queue tells its owner.
@nonexhaustive
public enum SharedReceiveQueueNotification: Hashable, Sendable {
    /// Fewer receives are left than the threshold. Told once for each threshold that was asked for.
    case runsLow
    /// The device gave the queue up, and every queue pair that uses it. Told whether or not a threshold was asked for.
    case failed
}

extension Adapter {
    /// Creates a shared receive queue: `NdkCreateSrq`.
    ///
    /// - Parameters:
    ///   - depth: how many receives may be posted and not completed.
    ///   - elements: elements of a receive.
    ///   - threshold: notify once when a message leaves fewer receives than this; 0 does not. An empty new queue does not
    ///     notify.
    ///   - notify: called on a thread of the adapter, never twice at a time, and not after ``SharedReceiveQueue/close(waiting:)``
    ///     has returned. Other notifications and events of the device wait meanwhile.
    /// - Returns: an empty queue.
    /// - Throws: ``AdapterError/limitExceeded(what:asked:limit:)`` beyond ``AdapterInfo/maxSharedReceiveQueueDepth`` and
    ///   its like, or for a threshold beyond the depth; ``AdapterError/verbFailed(verb:errno:)`` if a verb fails.
    public func createSharedReceiveQueue(
        depth: Int, elements: Int = 4, threshold: Int = 0,
        notify: (@Sendable (SharedReceiveQueueNotification) -> Void)? = nil
    ) throws(AdapterError) -> SharedReceiveQueue {
        try info.check("shared receive queues", 1, atMost: info.maxSharedReceiveQueues)
        try info.check("elements of a shared receive", elements, atMost: info.maxSharedReceiveElements)
        try checkOpen()
        let core = try SharedReceiveQueueCore(adapter: self, depth: depth, elements: elements, notify: notify)
        let queue = SharedReceiveQueue(core: core)
        if threshold != 0 { try core.arm(below: threshold) }
        return queue
    }

    /// Creates a queue pair that takes its receives from a shared receive queue: `NdkCreateQpWithSrq`.
    ///
    /// - Parameters:
    ///   - sendCompletions: where sends, writes, reads, binds and invalidates complete.
    ///   - receiveCompletions: where the receives complete that its messages take; may be the same.
    ///   - sharedReceives: where its receives are posted; it lives at least as long as the queue pair.
    ///   - capacity: what it must be able to hold; nothing of it concerns receives.
    /// - Returns: a queue pair that is not connected.
    /// - Throws: as ``createQueuePair(sendCompletions:receiveCompletions:capacity:)``.
    public func createQueuePair(
        sendCompletions: borrowing CompletionQueue, receiveCompletions: borrowing CompletionQueue,
        receivesFrom sharedReceives: borrowing SharedReceiveQueue, capacity: QueuePairCapacity = QueuePairCapacity()
    ) throws(AdapterError) -> QueuePair {
        guard sharedReceives.core.adapter === self else {
            fatalError("Adapter \(name): a queue pair takes receives from a shared receive queue of its own adapter")
        }
        var capacity = capacity
        capacity.receiveDepth = 0
        capacity.receiveElements = 0
        return try createQueuePair(
            sendCompletions: sendCompletions, receiveCompletions: receiveCompletions, capacity: capacity,
            sharedReceives: sharedReceives.core)
    }

    /// Creates a queue pair whose requests all complete on one queue, and which takes its receives from a shared one.
    public func createQueuePair(
        completions: borrowing CompletionQueue, receivesFrom sharedReceives: borrowing SharedReceiveQueue,
        capacity: QueuePairCapacity = QueuePairCapacity()
    ) throws(AdapterError) -> QueuePair {
        try createQueuePair(
            sendCompletions: completions, receiveCompletions: completions, receivesFrom: sharedReceives,
            capacity: capacity)
    }
}
