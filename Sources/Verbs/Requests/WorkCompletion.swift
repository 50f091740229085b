public import CRDMA

/// How a work request ended (`ibv_wc`).
///
/// After a failure only `identifier`, `status`, `queuePairNumber` and `vendorError` have a meaning.
@usableFromInline package struct WorkCompletion: Hashable, Sendable {
    /// What the request was given.
    @usableFromInline package var identifier: UInt64
    /// Success, or why not.
    @usableFromInline package let status: CompletionStatus
    /// The number of the queue pair.
    @usableFromInline package let queuePairNumber: UInt32
    /// The bytes that a receive or a read brought.
    @usableFromInline package let byteCount: UInt32
    /// The vendor's code of a failure.
    @usableFromInline package let vendorError: UInt32
    /// The number of the operation in `ibv_wc_opcode`.
    @usableFromInline package var operation: UInt32
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

    /// Whether the peer certainly did, by what libibverbs says of it (`IBV_WC_WITH_INV`).
    package var invalidates: Bool { flags & 1 << 3 != 0 }

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

    /// A completion that no device reported.
    package init(identifier: UInt64, status: CompletionStatus, operation: UInt32, queuePairNumber: UInt32) {
        self.identifier = identifier
        self.status = status
        self.operation = operation
        self.queuePairNumber = queuePairNumber
        byteCount = 0
        vendorError = 0
        invalidatedKeyOrImmediate = 0
        flags = 0
    }

    /// The same as the device would have reported it.
    @inlinable
    var raw: ibv_wc {
        var raw = ibv_wc()
        raw.wr_id = identifier
        raw.status = ibv_wc_status(status.rawValue)
        raw.qp_num = queuePairNumber
        raw.byte_len = byteCount
        raw.vendor_err = vendorError
        raw.opcode = ibv_wc_opcode(operation)
        raw.invalidated_rkey = invalidatedKeyOrImmediate
        raw.wc_flags = flags
        return raw
    }
}
