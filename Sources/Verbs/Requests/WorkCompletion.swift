internal import CRDMA

/// How a work request ended (`ibv_wc`).
///
/// After a failure only `identifier`, `status`, `queuePairNumber` and `vendorError` have a meaning.
/// It is four words, so that it travels in registers, and neighbours in `ibv_wc` are none here: two
/// fields that a provider has just written apart are slow to read together.
package struct WorkCompletion: Hashable, Sendable {
    /// What the request was given.
    package let identifier: UInt64
    /// Success, or why not.
    package let status: CompletionStatus
    /// The number of the queue pair.
    package let queuePairNumber: UInt32
    /// The bytes that a receive or a read brought.
    package let byteCount: UInt32
    /// The vendor's code of a failure.
    package let vendorError: UInt32
    /// The key that the peer invalidated, or its immediate data in network byte order.
    package let invalidatedKeyOrImmediate: UInt32
    /// The number of the operation in `ibv_wc_opcode`.
    package let operation: UInt16
    /// The bits of `ibv_wc_flags`. rxe of Linux 6.1 does not set `IBV_WC_WITH_INV` (bit 3) but bit
    /// 2.
    package let flags: UInt16

    /// Reads field by field: copying the whole would wait for the stores of the provider.
    @inline(__always)
    init(_ raw: UnsafePointer<ibv_wc>) {
        identifier = unsafe raw.pointee.wr_id
        status = unsafe CompletionStatus(rawValue: raw.pointee.status.rawValue) ?? .unknown
        queuePairNumber = unsafe raw.pointee.qp_num
        byteCount = unsafe raw.pointee.byte_len
        vendorError = unsafe raw.pointee.vendor_err
        // Both members of the union are 32 bits.
        invalidatedKeyOrImmediate = unsafe raw.pointee.invalidated_rkey
        operation = unsafe UInt16(truncatingIfNeeded: raw.pointee.opcode.rawValue)
        flags = unsafe UInt16(truncatingIfNeeded: raw.pointee.wc_flags)
    }
}
