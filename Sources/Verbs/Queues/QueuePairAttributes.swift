internal import CRDMA

/// A step of a queue pair's life: the state to enter, and what it needs (`ibv_qp_attr` with its
/// mask).
///
/// From `ConnectionIdentifier.attributes(entering:)`, or made by hand for a peer whose numbers came
/// by other means. Setting a property makes it part of the step: `peerRights` of the first,
/// `inboundReads` and `receiverNotReadyTimer` of the second, the others of the third; the kernel
/// refuses them elsewhere.
package struct QueuePairAttributes: Sendable {
    var raw = ibv_qp_attr()
    var mask: CInt

    init(_ raw: ibv_qp_attr, mask: CInt) {
        self.raw = raw
        self.mask = mask
    }

    private init(entering state: ibv_qp_state) {
        raw.qp_state = state
        mask = CInt(IBV_QP_STATE.rawValue)
    }

    /// The step to the error state: the device flushes everything that is posted.
    ///
    /// Also when a queue pair failed by itself: rxe flushes the receives that were posted after
    /// that only now.
    package static let error = Self(entering: IBV_QPS_ERR)

    /// The step to the initialized state, in which receives can be posted.
    ///
    /// - Parameters:
    ///   - port: The device's port, from 1.
    ///   - peerRights: What the peer may do at all: any of `remoteRead` and `remoteWrite`.
    /// - Returns: The step.
    package static func initialized(port: UInt8, peerRights: AccessRights) -> Self {
        var attributes = Self(entering: IBV_QPS_INIT)
        attributes.raw.port_num = port
        attributes.raw.pkey_index = 0
        attributes.mask |= CInt(IBV_QP_PORT.rawValue | IBV_QP_PKEY_INDEX.rawValue)
        attributes.peerRights = peerRights
        return attributes
    }

    /// The step to the state in which receives are served, connected to a peer.
    ///
    /// Serves one read at a time and has a peer without a receive wait 0.64 ms, unless changed.
    package static func readyToReceive(from peer: QueuePairPeer) -> Self {
        var attributes = Self(entering: IBV_QPS_RTR)
        attributes.raw.ah_attr = peer.addressAttributes
        attributes.raw.path_mtu = ibv_mtu(peer.pathMTU.rawValue)
        attributes.raw.dest_qp_num = peer.number
        attributes.raw.rq_psn = peer.firstPacket
        attributes.mask |= CInt(
            IBV_QP_AV.rawValue | IBV_QP_PATH_MTU.rawValue | IBV_QP_DEST_QPN.rawValue
                | IBV_QP_RQ_PSN.rawValue)
        attributes.inboundReads = 1
        attributes.receiverNotReadyTimer = 12
        return attributes
    }

    /// The step to the state in which sends are served.
    ///
    /// Retries six times: seven is for ever on rxe. Has one read under way at a time, and waits 67
    /// ms for an acknowledgement, unless changed.
    /// - Parameter firstPacket: The sequence number of the first packet, 24 bits, that the peer was
    ///   told.
    /// - Returns: The step.
    package static func readyToSend(firstPacket: UInt32) -> Self {
        var attributes = Self(entering: IBV_QPS_RTS)
        attributes.raw.sq_psn = firstPacket
        attributes.mask |= CInt(IBV_QP_SQ_PSN.rawValue)
        attributes.acknowledgementTimeout = 14
        attributes.retries = 6
        attributes.receiverNotReadyRetries = 6
        attributes.outboundReads = 1
        return attributes
    }
}

extension QueuePairAttributes {
    /// What the peer may do at all (`qp_access_flags`).
    package var peerRights: AccessRights {
        get { AccessRights(rawValue: raw.qp_access_flags) }
        set { set(\.qp_access_flags, to: newValue.rawValue, IBV_QP_ACCESS_FLAGS) }
    }

    /// How many reads of the peer are served at once (`max_dest_rd_atomic`); with 0 its reads fail.
    package var inboundReads: UInt8 {
        get { raw.max_dest_rd_atomic }
        set { set(\.max_dest_rd_atomic, to: newValue, IBV_QP_MAX_DEST_RD_ATOMIC) }
    }

    /// How many reads are under way at once (`max_rd_atomic`); with 0 a read never completes on
    /// rxe.
    package var outboundReads: UInt8 {
        get { raw.max_rd_atomic }
        set { set(\.max_rd_atomic, to: newValue, IBV_QP_MAX_QP_RD_ATOMIC) }
    }

    /// How long the peer waits when it finds no receive here, in the coding of `min_rnr_timer`: 1
    /// is 10 microseconds, 12 is 0.64 ms, and 0 is 655 ms.
    package var receiverNotReadyTimer: UInt8 {
        get { raw.min_rnr_timer }
        set { set(\.min_rnr_timer, to: newValue, IBV_QP_MIN_RNR_TIMER) }
    }

    /// How long to wait for an acknowledgement, in the coding of `timeout`: 4.096 microseconds
    /// times two to this power; 0 is for ever.
    package var acknowledgementTimeout: UInt8 {
        get { raw.timeout }
        set { set(\.timeout, to: newValue, IBV_QP_TIMEOUT) }
    }

    /// How often to retry without an acknowledgement (`retry_cnt`, 0 to 7); 7 is for ever on rxe.
    package var retries: UInt8 {
        get { raw.retry_cnt }
        set { set(\.retry_cnt, to: newValue, IBV_QP_RETRY_CNT) }
    }

    /// How often to retry when the peer has no receive (`rnr_retry`, 0 to 7); 7 is for ever.
    package var receiverNotReadyRetries: UInt8 {
        get { raw.rnr_retry }
        set { set(\.rnr_retry, to: newValue, IBV_QP_RNR_RETRY) }
    }

    private mutating func set<Value>(
        _ field: WritableKeyPath<ibv_qp_attr, Value>, to value: Value, _ bit: ibv_qp_attr_mask
    ) {
        raw[keyPath: field] = value
        mask |= CInt(bit.rawValue)
    }
}
