package import CRDMA

/// The entries for queues.
@safe
package struct QueueVerbs: Sendable {
    /// `ibv_create_comp_channel`.
    package var createChannel:
        @Sendable (
            UnsafeMutablePointer<ibv_context>,
            _ channel: UnsafeMutablePointer<UnsafeMutablePointer<ibv_comp_channel>?>
        ) -> CInt
    /// `ibv_destroy_comp_channel`.
    package var destroyChannel: @Sendable (UnsafeMutablePointer<ibv_comp_channel>) -> CInt
    /// `ibv_get_cq_event`.
    package var getEvent:
        @Sendable (
            UnsafeMutablePointer<ibv_comp_channel>,
            _ queue: UnsafeMutablePointer<UnsafeMutablePointer<ibv_cq>?>,
            _ context: UnsafeMutablePointer<UnsafeMutableRawPointer?>
        ) -> CInt
    /// `ibv_ack_cq_events`.
    package var acknowledgeEvents: @Sendable (UnsafeMutablePointer<ibv_cq>, _ count: CUnsignedInt) -> Void

    /// `ibv_create_cq`.
    package var createCompletionQueue:
        @Sendable (
            UnsafeMutablePointer<ibv_context>, _ depth: CInt, _ context: UnsafeMutableRawPointer?,
            UnsafeMutablePointer<ibv_comp_channel>?, _ vector: CInt,
            _ queue: UnsafeMutablePointer<UnsafeMutablePointer<ibv_cq>?>
        ) -> CInt
    /// `ibv_resize_cq`.
    package var resizeCompletionQueue: @Sendable (UnsafeMutablePointer<ibv_cq>, _ depth: CInt) -> CInt
    /// `ibv_modify_cq`.
    package var moderateCompletionQueue:
        @Sendable (UnsafeMutablePointer<ibv_cq>, _ count: UInt16, _ microseconds: UInt16) -> CInt
    /// `ibv_destroy_cq`.
    package var destroyCompletionQueue: @Sendable (UnsafeMutablePointer<ibv_cq>) -> CInt

    /// `ibv_create_srq`.
    package var createSharedQueue:
        @Sendable (
            UnsafeMutablePointer<ibv_pd>, UnsafeMutablePointer<ibv_srq_init_attr>,
            _ queue: UnsafeMutablePointer<UnsafeMutablePointer<ibv_srq>?>
        ) -> CInt
    /// `ibv_modify_srq`.
    package var modifySharedQueue:
        @Sendable (UnsafeMutablePointer<ibv_srq>, UnsafeMutablePointer<ibv_srq_attr>, _ mask: CInt) -> CInt
    /// `ibv_query_srq`.
    package var querySharedQueue: @Sendable (UnsafeMutablePointer<ibv_srq>, UnsafeMutablePointer<ibv_srq_attr>) -> CInt
    /// `ibv_destroy_srq`.
    package var destroySharedQueue: @Sendable (UnsafeMutablePointer<ibv_srq>) -> CInt

    /// `ibv_create_qp`.
    package var createQueuePair:
        @Sendable (
            UnsafeMutablePointer<ibv_pd>, UnsafeMutablePointer<ibv_qp_init_attr>,
            _ queuePair: UnsafeMutablePointer<UnsafeMutablePointer<ibv_qp>?>
        ) -> CInt
    /// `ibv_modify_qp`.
    package var modifyQueuePair:
        @Sendable (UnsafeMutablePointer<ibv_qp>, UnsafeMutablePointer<ibv_qp_attr>, _ mask: CInt) ->
            CInt
    /// `ibv_query_qp`.
    package var queryQueuePair:
        @Sendable (
            UnsafeMutablePointer<ibv_qp>, UnsafeMutablePointer<ibv_qp_attr>, _ mask: CInt,
            UnsafeMutablePointer<ibv_qp_init_attr>
        ) -> CInt
    /// `ibv_destroy_qp`.
    package var destroyQueuePair: @Sendable (UnsafeMutablePointer<ibv_qp>) -> CInt

    /// The calls of libibverbs.
    package static let system = unsafe QueueVerbs(
        createChannel: crdma_create_comp_channel,
        destroyChannel: { unsafe ibv_destroy_comp_channel($0) },
        getEvent: crdma_get_cq_event,
        acknowledgeEvents: { unsafe ibv_ack_cq_events($0, $1) },
        createCompletionQueue: crdma_create_cq,
        resizeCompletionQueue: { unsafe ibv_resize_cq($0, $1) },
        moderateCompletionQueue: { unsafe crdma_moderate_cq($0, $1, $2) },
        destroyCompletionQueue: { unsafe ibv_destroy_cq($0) },
        createSharedQueue: crdma_create_srq,
        modifySharedQueue: { unsafe ibv_modify_srq($0, $1, $2) },
        querySharedQueue: { unsafe ibv_query_srq($0, $1) },
        destroySharedQueue: { unsafe ibv_destroy_srq($0) },
        createQueuePair: crdma_create_qp,
        modifyQueuePair: { unsafe ibv_modify_qp($0, $1, $2) },
        queryQueuePair: { unsafe ibv_query_qp($0, $1, $2, $3) },
        destroyQueuePair: { unsafe ibv_destroy_qp($0) })
}
