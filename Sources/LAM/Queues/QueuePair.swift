import Tracking
import Verbs

/// A reliable connection's two queues: `NDK_QP`.
///
/// Requests are posted by one thread at a time; the compiler sees to it, because posting mutates. Polling, releasing
/// mappings and other queue pairs run beside it without a lock. Requests complete in the order of posting, on the
/// completion queues that the queue pair was created with.
///
/// Dropping a queue pair ends it in the background; ``close()`` does so before it returns.
public struct QueuePair: ~Copyable, Sendable {
    // First, so that a post finds its state where it found the queue pair.
    @usableFromInline var sends: SendPath
    @usableFromInline var receives: ReceivePath
    @usableFromInline let core: QueuePairCore
    /// Set when `close` has ended the queue pair, so that `deinit` has nothing left to do.
    private var isSpent = false

    init(core: QueuePairCore) {
        self.core = core
        sends = SendPath(core)
        receives = ReceivePath(core)
    }

    deinit {
        if !isSpent { core.adapter.errands.run { [core] in core.close() } }
    }

    /// The number by which the device and the kernel know the queue pair.
    public var number: UInt32 { core.number }

    /// What the queue pair was created for.
    public var capacity: QueuePairCapacity { core.capacity }

    /// Whether sends, writes and reads may be posted.
    public var isConnected: Bool { core.isConnected }

    /// Ends the queue pair: everything outstanding completes, flushed, and no longer holds its mappings.
    ///
    /// Results that nobody polled stay in their completion queue. Waits until the device has given everything up,
    /// which takes about a millisecond; at most half a second for results that do not come.
    public consuming func close() {
        isSpent = true
        core.close()
    }
}

extension Adapter {
    /// Creates a queue pair: `NdkCreateQp`.
    ///
    /// Receives may be posted at once, the other requests when it is connected.
    /// - Parameters:
    ///   - sendCompletions: where sends, writes, reads, binds and invalidates complete.
    ///   - receiveCompletions: where receives complete; may be the same.
    ///   - capacity: what it must be able to hold.
    /// - Returns: a queue pair that is not connected.
    /// - Throws: ``AdapterError/limitExceeded(what:asked:limit:)`` where the capacity exceeds ``info``, or the completion
    ///   queues are too small for everything that completes on them.
    public func createQueuePair(
        sendCompletions: borrowing CompletionQueue, receiveCompletions: borrowing CompletionQueue,
        capacity: QueuePairCapacity = QueuePairCapacity()
    ) throws(AdapterError) -> QueuePair {
        try createQueuePair(
            sendCompletions: sendCompletions, receiveCompletions: receiveCompletions, capacity: capacity,
            sharedReceives: nil)
    }

    func createQueuePair(
        sendCompletions: borrowing CompletionQueue, receiveCompletions: borrowing CompletionQueue,
        capacity: QueuePairCapacity, sharedReceives: SharedReceiveQueueCore?
    ) throws(AdapterError) -> QueuePair {
        guard sendCompletions.core.adapter === self, receiveCompletions.core.adapter === self else {
            fatalError("Adapter \(name): a queue pair completes on completion queues of its own adapter")
        }
        try check(capacity)
        try checkOpen()
        return QueuePair(
            core: try QueuePairCore(
                adapter: self, sendCompletions: sendCompletions.core, receiveCompletions: receiveCompletions.core,
                sharedReceives: sharedReceives, capacity: capacity))
    }

    /// Creates a queue pair whose requests all complete on one queue.
    public func createQueuePair(
        completions: borrowing CompletionQueue, capacity: QueuePairCapacity = QueuePairCapacity()
    ) throws(AdapterError) -> QueuePair {
        try createQueuePair(sendCompletions: completions, receiveCompletions: completions, capacity: capacity)
    }

    private func check(_ capacity: QueuePairCapacity) throws(AdapterError) {
        try info.check("send queue depth", capacity.sendDepth, atMost: info.maxSendQueueDepth - 1)
        try info.check("receive queue depth", capacity.receiveDepth, atMost: info.maxReceiveQueueDepth)
        try info.check("elements of a send", capacity.sendElements, atMost: info.maxSendElements)
        try info.check("elements of a receive", capacity.receiveElements, atMost: info.maxReceiveElements)
        try info.check("inline bytes", capacity.inlineBytes, atMost: info.maxInlineBytes)
    }
}
