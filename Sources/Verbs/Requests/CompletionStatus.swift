/// Success of a work request, or why it failed (`ibv_wc_status`).
@usableFromInline package struct CompletionStatus: RawRepresentable, Hashable, Sendable {
    /// The number in `ibv_wc_status`.
    @usableFromInline package let rawValue: UInt32

    /// Takes the number in `ibv_wc_status`.
    @inlinable package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Done.
    package static let success = Self(rawValue: 0)
    /// A message does not fit its elements, or is longer than the device allows.
    package static let localLengthError = Self(rawValue: 1)
    /// The request makes no sense on this queue pair; on rxe also any wrong local key.
    package static let localQueuePairOperationError = Self(rawValue: 2)
    /// As above, for end-to-end contexts.
    package static let localContextOperationError = Self(rawValue: 3)
    /// An element lies outside its region or the region does not have the right.
    package static let localProtectionError = Self(rawValue: 4)
    /// Not carried out, or not known to be, because the queue pair had failed or was told to.
    package static let flushed = Self(rawValue: 5)
    /// A window could not be bound.
    package static let windowBindError = Self(rawValue: 6)
    /// The peer's response was not understood.
    package static let badResponse = Self(rawValue: 7)
    /// A peer's access was refused here.
    package static let localAccessError = Self(rawValue: 8)
    /// The peer found the request invalid.
    package static let remoteInvalidRequest = Self(rawValue: 9)
    /// The peer's memory may not be accessed so.
    package static let remoteAccessError = Self(rawValue: 10)
    /// The peer could not carry the request out.
    package static let remoteOperationError = Self(rawValue: 11)
    /// The peer did not acknowledge, however often it was tried.
    package static let retriesExceeded = Self(rawValue: 12)
    /// The peer had no receive, however often it was tried.
    package static let receiverNotReadyRetriesExceeded = Self(rawValue: 13)
    /// Reliable datagrams: domains do not match.
    package static let localDomainViolation = Self(rawValue: 14)
    /// Reliable datagrams: the request was not valid at the peer.
    package static let remoteInvalidDatagramRequest = Self(rawValue: 15)
    /// The peer aborted.
    package static let remoteAborted = Self(rawValue: 16)
    /// The end-to-end context does not exist.
    package static let invalidContextNumber = Self(rawValue: 17)
    /// The end-to-end context is in the wrong state.
    package static let invalidContextState = Self(rawValue: 18)
    /// The device failed.
    package static let fatal = Self(rawValue: 19)
    /// No response within the time.
    package static let responseTimeout = Self(rawValue: 20)
    /// Anything else.
    package static let generalError = Self(rawValue: 21)
    /// Tag matching failed.
    package static let tagMatchingError = Self(rawValue: 22)
    /// A tag-matching rendezvous was incomplete.
    package static let tagMatchingIncomplete = Self(rawValue: 23)

    private static let names = [
        "IBV_WC_SUCCESS", "IBV_WC_LOC_LEN_ERR", "IBV_WC_LOC_QP_OP_ERR", "IBV_WC_LOC_EEC_OP_ERR",
        "IBV_WC_LOC_PROT_ERR", "IBV_WC_WR_FLUSH_ERR", "IBV_WC_MW_BIND_ERR",
        "IBV_WC_BAD_RESP_ERR", "IBV_WC_LOC_ACCESS_ERR", "IBV_WC_REM_INV_REQ_ERR",
        "IBV_WC_REM_ACCESS_ERR", "IBV_WC_REM_OP_ERR", "IBV_WC_RETRY_EXC_ERR",
        "IBV_WC_RNR_RETRY_EXC_ERR", "IBV_WC_LOC_RDD_VIOL_ERR", "IBV_WC_REM_INV_RD_REQ_ERR",
        "IBV_WC_REM_ABORT_ERR", "IBV_WC_INV_EECN_ERR", "IBV_WC_INV_EEC_STATE_ERR",
        "IBV_WC_FATAL_ERR", "IBV_WC_RESP_TIMEOUT_ERR", "IBV_WC_GENERAL_ERR", "IBV_WC_TM_ERR",
        "IBV_WC_TM_RNDV_INCOMPLETE",
    ]
}

extension CompletionStatus: CustomStringConvertible {
    /// The name of the constant in C.
    @usableFromInline package var description: String {
        rawValue < Self.names.count ? Self.names[Int(rawValue)] : "ibv_wc_status \(rawValue)"
    }
}
