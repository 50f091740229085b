package import CRDMA

/// The state of a queue pair (`ibv_qp_state`).
package enum QueuePairState: Hashable, Sendable {
    /// Created; nothing can be posted.
    case reset
    /// Receives can be posted.
    case initialized
    /// Receives are served.
    case readyToReceive
    /// Sends are served too.
    case readyToSend
    /// Everything posted is flushed. There is no way back but `reset`.
    case error
    /// Anything else, by its number in `ibv_qp_state`.
    case other(UInt32)

    /// Takes the number in `ibv_qp_state`.
    package init(_ raw: ibv_qp_state) {
        switch raw {
        case IBV_QPS_RESET: self = .reset
        case IBV_QPS_INIT: self = .initialized
        case IBV_QPS_RTR: self = .readyToReceive
        case IBV_QPS_RTS: self = .readyToSend
        case IBV_QPS_ERR: self = .error
        default: self = .other(raw.rawValue)
        }
    }

    /// The number in `ibv_qp_state`.
    package var raw: ibv_qp_state {
        switch self {
        case .reset: IBV_QPS_RESET
        case .initialized: IBV_QPS_INIT
        case .readyToReceive: IBV_QPS_RTR
        case .readyToSend: IBV_QPS_RTS
        case .error: IBV_QPS_ERR
        case .other(let number): ibv_qp_state(number)
        }
    }
}
