/// Cancelling what is posted.
extension QueuePair {
    /// Cancels everything outstanding, on both queues: `NdkFlush`.
    ///
    /// Each request that the device has not carried out completes as ``CompletionStatus/flushed``, silent or not; further
    /// posts throw ``PostError/ended``. The results come as any others: when all are polled, the flush is over. The queue
    /// pair stays ended; the peer notices when it talks to it next. Does nothing more the second time.
    ///
    /// Waits for the device, as any control verb. ``handle`` flushes beside posts of another thread.
    public func flush() { core.endPosting() }

    /// What others may do with the queue pair while this is posted to.
    public var handle: QueuePairHandle { QueuePairHandle(core) }
}

/// A queue pair for threads that do not post to it: they may ask and flush at any time, also when it is closed.
///
/// It keeps nothing alive.
public struct QueuePairHandle: Sendable {
    /// The number by which the device and the kernel know the queue pair, or knew it.
    public let number: UInt32
    private weak let core: QueuePairCore?

    init(_ core: QueuePairCore) {
        number = core.number
        self.core = core
    }

    /// Whether sends, writes and reads may be posted.
    public var isConnected: Bool { core?.isConnected ?? false }

    /// ``QueuePair/flush()``; nothing where the queue pair is closed.
    public func flush() { core?.endPosting() }
}
