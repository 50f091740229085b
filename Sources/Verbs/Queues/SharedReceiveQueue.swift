public import CRDMA

/// Receives that several queue pairs take from as messages arrive (`ibv_srq`).
///
/// They complete on the completion queues of those queue pairs, in any order. Ends as every owner of
/// this module does: see `close()`.
@safe
package final class SharedReceiveQueue: Sendable {
    /// The domain of the keys in its requests, and of the queue pairs.
    package let domain: ProtectionDomain
    // Written once, here; libibverbs queues may be used by any thread.
    nonisolated(unsafe) let raw: UnsafeMutablePointer<ibv_srq>
    private let lifetime = Lifetime()

    /// Creates a queue (`ibv_create_srq`).
    ///
    /// - Parameters:
    ///   - domain: The domain of the keys in its requests, and of the queue pairs.
    ///   - depth: How many receives it can hold at least.
    ///   - elements: How many elements each can have at least.
    ///   - identifier: What events of the device call this queue; it has no other meaning here.
    /// - Throws: `EINVAL` for a depth or elements beyond the device, `ENOMEM` when it has no queue left, `ENOSYS` or
    ///   `EOPNOTSUPP` when it has none at all.
    package init(
        in domain: ProtectionDomain, depth: Int, elements: Int, identifier: UInt = 0
    ) throws(VerbError) {
        var attributes = unsafe ibv_srq_init_attr()
        unsafe attributes.srq_context = UnsafeMutableRawPointer(bitPattern: identifier)
        unsafe attributes.attr.max_wr = UInt32(clamping: depth)
        unsafe attributes.attr.max_sge = UInt32(clamping: elements)
        var raw: UnsafeMutablePointer<ibv_srq>?
        let code = unsafe domain.context.verbs.queues.createSharedQueue(domain.raw, &attributes, &raw)
        try check(.createSharedQueue, code)
        unsafe self.raw = unsafe created(raw, by: .createSharedQueue)
        self.domain = domain
    }

    deinit {
        let verbs = domain.context.verbs
        lifetime.end(.destroySharedQueue, verbs) { unsafe verbs.queues.destroySharedQueue(raw) }
    }

    /// Destroys the queue (`ibv_destroy_srq`).
    ///
    /// When this returns, the device has let go of everything that was posted; none of it completes.
    /// - Throws: `EBUSY` while a queue pair uses it. The queue is still there then, and `close()` can
    ///   be called again; after a success it does nothing. Dropping the last reference closes too.
    package func close() throws(VerbError) {
        try lifetime.close(.destroySharedQueue) {
            unsafe domain.context.verbs.queues.destroySharedQueue(raw)
        }
    }

    /// Changes how many receives it can hold, without losing one (`ibv_modify_srq`: a system call).
    ///
    /// - Throws: `EINVAL` below what is posted or beyond the device, `ENOSYS` or `EOPNOTSUPP` where a
    ///   device cannot. The queue is then as it was.
    package func resize(depth: Int) throws(VerbError) {
        var attributes = ibv_srq_attr(max_wr: UInt32(clamping: depth), max_sge: 0, srq_limit: 0)
        try modify(&attributes, IBV_SRQ_MAX_WR)
    }

    /// Asks for one event when it holds fewer receives than `limit` (`ibv_modify_srq`: a system call).
    ///
    /// Only a receive that is consumed afterwards raises it, so that a queue which is low already may
    /// stay silent. 0 asks for none.
    /// - Throws: `EINVAL` for more than it can hold.
    package func arm(below limit: Int) throws(VerbError) {
        var attributes = ibv_srq_attr(max_wr: 0, max_sge: 0, srq_limit: UInt32(clamping: limit))
        try modify(&attributes, IBV_SRQ_LIMIT)
    }

    /// What it is armed for; 0 once the event was raised (`ibv_query_srq`: a system call).
    package func armedLimit() throws(VerbError) -> Int {
        var attributes = ibv_srq_attr()
        try check(
            .querySharedQueue, unsafe domain.context.verbs.queues.querySharedQueue(raw, &attributes))
        return Int(attributes.srq_limit)
    }

    private func modify(_ attributes: inout ibv_srq_attr, _ mask: ibv_srq_attr_mask) throws(VerbError) {
        let code = unsafe domain.context.verbs.queues.modifySharedQueue(raw, &attributes, CInt(mask.rawValue))
        try check(.modifySharedQueue, code)
    }

    /// What a chain posts to.
    package var postTarget: SharedPostTarget { unsafe SharedPostTarget(raw) }
}

/// The shared receive queue of a post, without ownership: nothing is counted on the way of a post.
///
/// Valid as long as its `SharedReceiveQueue`, which whoever posts has to keep.
@usableFromInline @safe
package struct SharedPostTarget: @unchecked Sendable {
    // Never changed; libibverbs lets any thread post: hence `@unchecked Sendable`.
    @usableFromInline let raw: UnsafeMutablePointer<ibv_srq>

    init(_ raw: UnsafeMutablePointer<ibv_srq>) {
        unsafe self.raw = unsafe raw
    }
}
