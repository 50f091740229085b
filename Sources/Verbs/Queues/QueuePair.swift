public import CRDMA

/// A reliable connected queue pair (`ibv_qp`): a send queue and a receive queue.
///
/// Only signaled requests complete when they succeed (`sq_sig_all` is 0). The queue pair keeps its
/// domain and its completion queues alive. Ends as every owner of this module does: see `close()`.
@safe
package final class QueuePair: Sendable {
    /// The domain of the keys in its requests.
    package let domain: ProtectionDomain
    /// Where its sends, reads, writes and binds complete.
    package let sendQueue: CompletionQueue
    /// Where its receives complete; may be the same.
    package let receiveQueue: CompletionQueue
    /// Where its receives are posted, if it has no receive queue of its own.
    package let sharedQueue: SharedReceiveQueue?
    /// What the device granted: at least what was asked for. It may take more requests than it
    /// says, as rxe does, so whoever counts slots has to count them itself.
    package let capacity: QueuePairCapacity
    // Written once, here; libibverbs queue pairs may be used by any thread.
    private nonisolated(unsafe) let raw: UnsafeMutablePointer<ibv_qp>
    private let lifetime = Lifetime()

    /// Creates a queue pair in the reset state (`ibv_create_qp`).
    ///
    /// - Parameters:
    ///   - domain: The domain of the keys in its requests.
    ///   - sendQueue: Where its sends, reads, writes and binds complete.
    ///   - receiveQueue: Where its receives complete; may be the same.
    ///   - sharedQueue: Where its receives are posted; `nil` for a receive queue of its own.
    ///   - capacity: How much it must hold.
    ///   - identifier: What events of the device call this queue pair; it has no other meaning here.
    /// - Throws: `EINVAL` for a capacity beyond the device, `ENOMEM` when it has no queue pair
    ///   left.
    package init(
        in domain: ProtectionDomain, sendQueue: CompletionQueue, receiveQueue: CompletionQueue,
        sharedQueue: SharedReceiveQueue? = nil, capacity: QueuePairCapacity, identifier: UInt = 0
    ) throws(VerbError) {
        var attributes = unsafe ibv_qp_init_attr()
        unsafe attributes.qp_context = UnsafeMutableRawPointer(bitPattern: identifier)
        unsafe attributes.srq = unsafe sharedQueue?.raw
        unsafe attributes.send_cq = unsafe sendQueue.raw
        unsafe attributes.recv_cq = unsafe receiveQueue.raw
        unsafe attributes.cap = capacity.raw
        unsafe attributes.qp_type = IBV_QPT_RC
        var raw: UnsafeMutablePointer<ibv_qp>?
        let code = unsafe domain.context.verbs.queues.createQueuePair(
            domain.raw, &attributes, &raw)
        try check(.createQueuePair, code)
        unsafe self.raw = unsafe created(raw, by: .createQueuePair)
        self.domain = domain
        self.sendQueue = sendQueue
        self.receiveQueue = receiveQueue
        self.sharedQueue = sharedQueue
        self.capacity = unsafe QueuePairCapacity(attributes.cap)
    }

    deinit {
        let verbs = domain.context.verbs
        lifetime.end(.destroyQueuePair, verbs) { unsafe verbs.queues.destroyQueuePair(raw) }
    }

    /// Destroys the queue pair (`ibv_destroy_qp`).
    ///
    /// When this returns, the device has let go of everything that was posted, and no completion
    /// comes any more. Deallocate windows that are bound on it first.
    /// - Throws: What the verb answered. The queue pair is still there then, and `close()` can be
    ///   called again; after a success it does nothing. Dropping the last reference closes too.
    package func close() throws(VerbError) {
        try lifetime.close(.destroyQueuePair) {
            unsafe domain.context.verbs.queues.destroyQueuePair(raw)
        }
    }

    /// The number by which completions and the peer name it. Numbers are reused.
    package var number: UInt32 { unsafe raw.pointee.qp_num }

    /// Takes a step (`ibv_modify_qp`: a system call).
    ///
    /// - Throws: `EINVAL` for a step that does not follow from the present state, or for numbers
    ///   beyond the device.
    package func modify(_ attributes: QueuePairAttributes) throws(VerbError) {
        var attributes = attributes
        let code = unsafe domain.context.verbs.queues.modifyQueuePair(
            raw, &attributes.raw, attributes.mask)
        try check(.modifyQueuePair, code)
    }

    /// Asks the device for the state (`ibv_query_qp`: a system call); what libibverbs remembers
    /// misses failures.
    package func state() throws(VerbError) -> QueuePairState {
        var attributes = ibv_qp_attr()
        var creation = unsafe ibv_qp_init_attr()
        let code = unsafe domain.context.verbs.queues.queryQueuePair(
            raw, &attributes, CInt(IBV_QP_STATE.rawValue), &creation)
        try check(.queryQueuePair, code)
        return QueuePairState(attributes.qp_state)
    }

    /// What a chain posts to.
    package var postTarget: PostTarget { unsafe PostTarget(raw) }
}

/// The queue pair of a post, without ownership: nothing is counted on the way of a post.
///
/// Valid as long as its `QueuePair`, which whoever posts has to keep.
@usableFromInline @safe
package struct PostTarget: @unchecked Sendable {
    // Never changed; libibverbs lets any thread post: hence `@unchecked Sendable`.
    @usableFromInline let raw: UnsafeMutablePointer<ibv_qp>

    init(_ raw: UnsafeMutablePointer<ibv_qp>) {
        unsafe self.raw = unsafe raw
    }
}
