internal import CRDMA

/// Something that a device reports by itself (`ibv_async_event`).
///
/// Objects go by the identifiers that they were created with.
package enum DeviceEvent: Hashable, Sendable {
    /// A completion queue lost completions, or failed; nothing that completes on it can go on
    /// (`IBV_EVENT_CQ_ERR`).
    case completionQueueFailed(UInt)
    /// A queue pair failed by itself (`IBV_EVENT_QP_FATAL`, `IBV_EVENT_QP_REQ_ERR`,
    /// `IBV_EVENT_QP_ACCESS_ERR`).
    case queuePairFailed(UInt)
    /// A queue pair in the error state takes no more requests from its shared receive queue, and
    /// the completion of the last one is there (`IBV_EVENT_QP_LAST_WQE_REACHED`). rxe of Linux 6.1
    /// never says so.
    case lastReceiveReached(queuePair: UInt)
    /// A shared receive queue has fewer requests than it was armed for
    /// (`IBV_EVENT_SRQ_LIMIT_REACHED`).
    case sharedQueueLow(UInt)
    /// A shared receive queue failed, and every queue pair that uses it
    /// (`IBV_EVENT_SRQ_ERR`).
    case sharedQueueFailed(UInt)
    /// A port left the active state: nothing passes through it (`IBV_EVENT_PORT_ERR`).
    case portLost(UInt8)
    /// A port entered the active state (`IBV_EVENT_PORT_ACTIVE`).
    case portActive(UInt8)
    /// The device failed as a whole, or is being removed (`IBV_EVENT_DEVICE_FATAL`).
    case deviceFailed
    /// Anything else, by its number in `ibv_event_type`.
    case other(UInt32)

    init(_ raw: ibv_async_event) {
        // The type says which member of the union is there; it is live until the event is acknowledged.
        switch unsafe raw.event_type {
        case IBV_EVENT_CQ_ERR:
            self = unsafe .completionQueueFailed(UInt(bitPattern: raw.element.cq.pointee.cq_context))
        case IBV_EVENT_QP_FATAL, IBV_EVENT_QP_REQ_ERR, IBV_EVENT_QP_ACCESS_ERR:
            self = unsafe .queuePairFailed(UInt(bitPattern: raw.element.qp.pointee.qp_context))
        case IBV_EVENT_QP_LAST_WQE_REACHED:
            self = unsafe .lastReceiveReached(queuePair: UInt(bitPattern: raw.element.qp.pointee.qp_context))
        case IBV_EVENT_SRQ_LIMIT_REACHED:
            self = unsafe .sharedQueueLow(UInt(bitPattern: raw.element.srq.pointee.srq_context))
        case IBV_EVENT_SRQ_ERR:
            self = unsafe .sharedQueueFailed(UInt(bitPattern: raw.element.srq.pointee.srq_context))
        case IBV_EVENT_PORT_ERR:
            self = unsafe .portLost(UInt8(clamping: raw.element.port_num))
        case IBV_EVENT_PORT_ACTIVE:
            self = unsafe .portActive(UInt8(clamping: raw.element.port_num))
        case IBV_EVENT_DEVICE_FATAL:
            self = .deviceFailed
        default:
            self = unsafe .other(raw.event_type.rawValue)
        }
    }
}
