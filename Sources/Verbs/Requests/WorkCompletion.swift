public import CRDMA

/// How a work request ended (`ibv_wc`).
///
/// After a failure only `identifier`, `status`, `queuePairNumber` and `vendorError` have a meaning.
@usableFromInline package struct WorkCompletion: Hashable, Sendable {
    /// What the request was given.
    @usableFromInline package let identifier: UInt64
    /// Success, or why not.
    @usableFromInline package let status: CompletionStatus
    /// The number of the queue pair.
    @usableFromInline package let queuePairNumber: UInt32
    /// The bytes that a receive or a read brought.
    @usableFromInline package let byteCount: UInt32
    /// The vendor's code of a failure.
    @usableFromInline package let vendorError: UInt32
    /// The number of the operation in `ibv_wc_opcode`.
    @usableFromInline package let operation: UInt32
    /// The key that the peer invalidated, or its immediate data in network byte order.
    @usableFromInline package let invalidatedKeyOrImmediate: UInt32
    /// The bits of `ibv_wc_flags`. rxe of Linux 6.1 does not set `IBV_WC_WITH_INV` (bit 3) but bit
    /// 2.
    @usableFromInline package let flags: UInt32

    /// Whether the peer may have invalidated a key with the message; `invalidatedKeyOrImmediate` is that key, if a
    /// window of the queue pair has it.
    ///
    /// The flag alone does not say: on rxe of Linux 6.1 it is the one that elsewhere says that a checksum is right.
    @inlinable @inline(__always)
    package var mayInvalidate: Bool { flags & (1 << 2 | 1 << 3) != 0 }

    @inlinable @inline(__always)
    init(_ raw: ibv_wc) {
        identifier = raw.wr_id
        status = CompletionStatus(rawValue: raw.status.rawValue)
        queuePairNumber = raw.qp_num
        byteCount = raw.byte_len
        vendorError = raw.vendor_err
        operation = raw.opcode.rawValue
        // Both members of the union are 32 bits.
        invalidatedKeyOrImmediate = raw.invalidated_rkey
        flags = raw.wc_flags
    }
}
