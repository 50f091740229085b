public import CRDMA

/// A receive of one element that is posted by itself: `SingleSend` for receives.
@usableFromInline @safe
package struct SingleReceive: ~Copyable, @unchecked Sendable {
    @usableFromInline
    @unsafe struct Parts {
        @usableFromInline var element = ibv_sge()
        @usableFromInline var request = unsafe ibv_recv_wr()
        /// Where the verb says that it refused the request; nil before each post.
        @usableFromInline var refused: UnsafeMutablePointer<ibv_recv_wr>?
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

    /// The device's address of the first byte of the last receive.
    package var address: UInt64 { unsafe parts.pointee.element.addr }

    /// Posts a receive with one `ibv_post_recv`.
    ///
    /// Posts to one queue pair must not overlap. A queue pair in the reset state refuses.
    /// - Parameters:
    ///   - identifier: What the completion calls the receive.
    ///   - address: The device's address of the first byte.
    ///   - length: In bytes.
    ///   - key: The local key of a region with `localWrite`.
    ///   - target: The queue pair.
    /// - Returns: 0, or a code for `outcome`.
    @inlinable @inline(__always)
    package mutating func post(
        identifier: UInt64, address: UInt64, length: UInt32, key: UInt32, to target: PostTarget
    ) -> CInt {
        unsafe parts.pointee.element = ibv_sge(addr: address, length: length, lkey: key)
        unsafe parts.pointee.request.wr_id = identifier
        return unsafe crdma_post_recv(target.raw, &parts.pointee.request, &parts.pointee.refused)
    }

    /// What a code other than 0 of `post` means.
    package mutating func outcome(_ code: CInt) -> PostOutcome {
        defer { unsafe parts.pointee.refused = nil }
        return unsafe parts.pointee.refused == nil
            ? .undetermined(code: code) : .refused(firstUnposted: 0, code: code)
    }
}
