public import CRDMA

/// A send request of one element that is posted by itself.
///
/// What all such requests have in common is written once, and everything is in one piece, one load away. Nothing here
/// allocates, locks or counts references.
@usableFromInline @safe
package struct SingleSend: ~Copyable, @unchecked Sendable {
    @usableFromInline
    @unsafe struct Parts {
        @usableFromInline var element = ibv_sge()
        @usableFromInline var request = unsafe ibv_send_wr()
        /// Where the verb says that it refused the request; nil before each post.
        @usableFromInline var refused: UnsafeMutablePointer<ibv_send_wr>?
    }

    // It belongs to this value alone, which makes it `@unchecked Sendable`.
    @usableFromInline let parts: UnsafeMutablePointer<Parts>

    /// Allocates room; no call after this allocates.
    package init() {
        unsafe parts = .allocate(capacity: 1)
        unsafe parts.initialize(to: Parts())
        unsafe parts.pointee.request.sg_list = unsafe parts.pointer(to: \.element)
        unsafe parts.pointee.request.num_sge = 1
    }

    deinit { unsafe parts.deallocate() }

    /// The device's address of the first byte of the last request.
    package var address: UInt64 { unsafe parts.pointee.element.addr }

    /// Posts a request with one `ibv_post_send`.
    ///
    /// Posts to one queue pair must not overlap. Wait for the ready-to-send state first: below it rxe reports an error
    /// and keeps the request all the same.
    /// - Parameters:
    ///   - operation: What the request does.
    ///   - identifier: What the completion calls the request.
    ///   - flags: How it is carried out.
    ///   - address: The device's address of the first byte.
    ///   - length: In bytes.
    ///   - key: The local key.
    ///   - remoteAddress: The peer's address; for reads and writes.
    ///   - remoteKey: The peer's key; for reads and writes.
    ///   - target: The queue pair.
    /// - Returns: 0, or a code for `outcome`.
    @inlinable @inline(__always)
    package mutating func post(
        _ operation: SendOperation, identifier: UInt64, flags: SendFlags, address: UInt64, length: UInt32, key: UInt32,
        remoteAddress: UInt64, remoteKey: UInt32, to target: PostTarget
    ) -> CInt {
        unsafe parts.pointee.element = ibv_sge(addr: address, length: length, lkey: key)
        unsafe parts.pointee.request.wr_id = identifier
        unsafe parts.pointee.request.opcode = operation.raw
        unsafe parts.pointee.request.send_flags = flags.rawValue
        unsafe parts.pointee.request.wr.rdma.remote_addr = remoteAddress
        unsafe parts.pointee.request.wr.rdma.rkey = remoteKey
        return unsafe crdma_post_send(target.raw, &parts.pointee.request, &parts.pointee.refused)
    }

    /// What a code other than 0 of `post` means.
    package mutating func outcome(_ code: CInt) -> PostOutcome {
        defer { unsafe parts.pointee.refused = nil }
        return unsafe parts.pointee.refused == nil
            ? .undetermined(code: code) : .refused(firstUnposted: 0, code: code)
    }
}
