/// Success of a work request, or why it failed (`ibv_wc_status`).
///
/// The raw values are those of C. Match with `case`, which is one instruction in every module; `==`
/// is a call through a witness.
package enum CompletionStatus: UInt32, Hashable, Sendable, CaseIterable {
    /// Done.
    case success = 0
    /// A message does not fit its elements, or is longer than the device allows.
    case localLengthError = 1
    /// The request makes no sense on this queue pair; on rxe also any wrong local key.
    case localQueuePairOperationError = 2
    /// As above, for end-to-end contexts.
    case localContextOperationError = 3
    /// An element lies outside its region or the region does not have the right.
    case localProtectionError = 4
    /// Not carried out, or not known to be, because the queue pair had failed or was told to.
    case flushed = 5
    /// A window could not be bound.
    case windowBindError = 6
    /// The peer's response was not understood.
    case badResponse = 7
    /// A peer's access was refused here.
    case localAccessError = 8
    /// The peer found the request invalid.
    case remoteInvalidRequest = 9
    /// The peer's memory may not be accessed so.
    case remoteAccessError = 10
    /// The peer could not carry the request out.
    case remoteOperationError = 11
    /// The peer did not acknowledge, however often it was tried.
    case retriesExceeded = 12
    /// The peer had no receive, however often it was tried.
    case receiverNotReadyRetriesExceeded = 13
    /// Reliable datagrams: domains do not match.
    case localDomainViolation = 14
    /// Reliable datagrams: the request was not valid at the peer.
    case remoteInvalidDatagramRequest = 15
    /// The peer aborted.
    case remoteAborted = 16
    /// The end-to-end context does not exist.
    case invalidContextNumber = 17
    /// The end-to-end context is in the wrong state.
    case invalidContextState = 18
    /// The device failed.
    case fatal = 19
    /// No response within the time.
    case responseTimeout = 20
    /// Anything else.
    case generalError = 21
    /// Tag matching failed.
    case tagMatchingError = 22
    /// A tag-matching rendezvous was incomplete.
    case tagMatchingIncomplete = 23
    /// Any number beyond those above, which are all that there are today.
    case unknown = 24

    private static let names = [
        "IBV_WC_SUCCESS", "IBV_WC_LOC_LEN_ERR", "IBV_WC_LOC_QP_OP_ERR", "IBV_WC_LOC_EEC_OP_ERR",
        "IBV_WC_LOC_PROT_ERR", "IBV_WC_WR_FLUSH_ERR", "IBV_WC_MW_BIND_ERR",
        "IBV_WC_BAD_RESP_ERR", "IBV_WC_LOC_ACCESS_ERR", "IBV_WC_REM_INV_REQ_ERR",
        "IBV_WC_REM_ACCESS_ERR", "IBV_WC_REM_OP_ERR", "IBV_WC_RETRY_EXC_ERR",
        "IBV_WC_RNR_RETRY_EXC_ERR", "IBV_WC_LOC_RDD_VIOL_ERR", "IBV_WC_REM_INV_RD_REQ_ERR",
        "IBV_WC_REM_ABORT_ERR", "IBV_WC_INV_EECN_ERR", "IBV_WC_INV_EEC_STATE_ERR",
        "IBV_WC_FATAL_ERR", "IBV_WC_RESP_TIMEOUT_ERR", "IBV_WC_GENERAL_ERR", "IBV_WC_TM_ERR",
        "IBV_WC_TM_RNDV_INCOMPLETE", "unknown ibv_wc_status",
    ]
}

extension CompletionStatus: CustomStringConvertible {
    /// The name of the constant in C.
    package var description: String { Self.names[Int(rawValue)] }
}
