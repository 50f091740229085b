public import CRDMA

/// A queue of completions (`ibv_cq`).
///
/// Ends as every owner of this module does: see `close()`.
@safe
package final class CompletionQueue: Sendable {
    /// The open device.
    package let context: DeviceContext
    /// The channel of its events, if it has one.
    package let channel: CompletionChannel?
    /// What events on the channel call this queue.
    package let identifier: UInt
    // Written once, here; libibverbs queues may be used by any thread.
    nonisolated(unsafe) let raw: UnsafeMutablePointer<ibv_cq>
    private let lifetime = Lifetime()

    /// Creates a queue (`ibv_create_cq`).
    ///
    /// - Parameters:
    ///   - context: The open device.
    ///   - depth: How many completions it can hold at least. A device drops completions silently
    ///     when there are more, so this must cover every request of the queue pairs that complete
    ///     here.
    ///   - channel: Where `arm` has events delivered.
    ///   - vector: Which event queue of the device delivers, less than its `completionVectorCount`.
    ///   - identifier: What events call this queue; it has no other meaning here.
    /// - Throws: `EINVAL` for a depth or a vector that the device does not have.
    package init(
        in context: DeviceContext, depth: Int, channel: CompletionChannel? = nil, vector: Int = 0,
        identifier: UInt = 0
    ) throws(VerbError) {
        var raw: UnsafeMutablePointer<ibv_cq>?
        let code = unsafe context.verbs.queues.createCompletionQueue(
            context.raw, CInt(clamping: depth), UnsafeMutableRawPointer(bitPattern: identifier),
            channel?.raw, CInt(clamping: vector), &raw)
        try check(.createCompletionQueue, code)
        unsafe self.raw = unsafe created(raw, by: .createCompletionQueue)
        self.context = context
        self.channel = channel
        self.identifier = identifier
    }

    deinit {
        lifetime.end(.destroyCompletionQueue, context.verbs) {
            unsafe context.verbs.queues.destroyCompletionQueue(raw)
        }
    }

    /// Destroys the queue (`ibv_destroy_cq`).
    ///
    /// - Throws: `EBUSY` while a queue pair uses it. The queue is still there then, and `close()`
    ///   can be called again; after a success it does nothing. Dropping the last reference closes
    ///   too.
    package func close() throws(VerbError) {
        try lifetime.close(.destroyCompletionQueue) {
            unsafe context.verbs.queues.destroyCompletionQueue(raw)
        }
    }

    /// How many completions the queue can hold: at least what was asked for.
    package var depth: Int { unsafe Int(raw.pointee.cqe) }

    /// Changes the depth without losing a completion (`ibv_resize_cq`: a system call).
    ///
    /// - Throws: `EINVAL` below the number of completions waiting or above the limit of the device,
    ///   `ENOSYS` or `EOPNOTSUPP` where a device cannot. The queue is then as it was.
    package func resize(depth: Int) throws(VerbError) {
        let code = unsafe context.verbs.queues.resizeCompletionQueue(raw, CInt(clamping: depth))
        try check(.resizeCompletionQueue, code)
    }

    /// Has events wait for several completions (`ibv_modify_cq`: a system call).
    ///
    /// - Parameter moderation: Within the limits of the device.
    /// - Throws: `EOPNOTSUPP` where the device cannot.
    package func moderate(_ moderation: Moderation) throws(VerbError) {
        let code = unsafe context.verbs.queues.moderateCompletionQueue(raw, moderation.count, moderation.microseconds)
        try check(.modifyCompletionQueue, code)
    }

    /// What a `PollBuffer` polls.
    package var pollTarget: PollTarget { unsafe PollTarget(raw) }

    /// Asks for one event on the channel (`ibv_req_notify_cq`: no system call on most devices).
    ///
    /// Only a completion that comes afterwards announces itself, so arm, then poll once more.
    /// - Parameter solicitedOnly: Wait for a receive that its sender marked as solicited, or for an
    ///   error; rxe does not count errors of sends.
    /// - Throws: What the device answered.
    package func arm(solicitedOnly: Bool) throws(VerbError) {
        try check(.armCompletionQueue, unsafe crdma_req_notify_cq(raw, solicitedOnly ? 1 : 0))
    }
}

/// The queue of a poll, without ownership: nothing is counted on the way of a poll.
///
/// Valid as long as its `CompletionQueue`, which whoever polls has to keep.
@usableFromInline @safe
package struct PollTarget: @unchecked Sendable {
    // Never changed; libibverbs queues may be polled by any thread: hence `@unchecked Sendable`.
    @usableFromInline let raw: UnsafeMutablePointer<ibv_cq>

    init(_ raw: UnsafeMutablePointer<ibv_cq>) {
        unsafe self.raw = unsafe raw
    }
}
