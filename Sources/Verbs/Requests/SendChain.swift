public import CRDMA

/// Send requests that are posted together, in arrays of their own.
///
/// Prepare a request with `setElement`, complete it with one of the `append` functions, and hand
/// all of them to the device with one `post`. Nothing here allocates, locks or counts references,
/// and a call with more than there is room for traps.
/// - Complexity: Each call is O(1) and a few stores; `post` is one `ibv_post_send`.
@usableFromInline @safe
package struct SendChain: ~Copyable, @unchecked Sendable {
    /// How many requests there is room for.
    @usableFromInline package let capacity: Int
    /// How many elements each request has room for.
    @usableFromInline package let elementsPerRequest: Int
    /// How many requests are complete.
    @usableFromInline package internal(set) var count = 0

    // Both arrays belong to this value alone, which makes it `@unchecked Sendable`. Each request is
    // linked to the next for good, except the last.
    @usableFromInline let requests: UnsafeMutablePointer<ibv_send_wr>
    @usableFromInline let elements: UnsafeMutablePointer<ibv_sge>
    /// Where the verb says which request it refused; nil before each post, because `outcome` clears it. Not on the
    /// stack, where each post would set it up.
    @usableFromInline let refused: UnsafeMutablePointer<UnsafeMutablePointer<ibv_send_wr>?>

    /// Allocates room; no call after this allocates.
    package init(capacity: Int, elementsPerRequest: Int) {
        guard capacity > 0, elementsPerRequest >= 0 else {
            fatalError("SendChain: \(capacity) requests of \(elementsPerRequest) elements")
        }
        self.capacity = capacity
        self.elementsPerRequest = elementsPerRequest
        unsafe requests = .allocate(capacity: capacity)
        unsafe requests.initialize(repeating: ibv_send_wr(), count: capacity)
        unsafe elements = .allocate(capacity: capacity * elementsPerRequest)
        unsafe elements.initialize(repeating: ibv_sge(), count: capacity * elementsPerRequest)
        unsafe refused = .allocate(capacity: 1)
        unsafe refused.initialize(to: nil)
        for index in 0..<(capacity - 1) {
            unsafe requests[index].next = unsafe requests + (index + 1)
        }
    }

    deinit {
        unsafe requests.deallocate()
        unsafe elements.deallocate()
        unsafe refused.deallocate()
    }

    /// Writes an element of the request that is being prepared.
    ///
    /// - Parameters:
    ///   - index: Which, from 0.
    ///   - address: The device's address of the first byte, or for inline data its address in this
    ///     process.
    ///   - length: In bytes.
    ///   - key: The local key; ignored for inline data.
    @inlinable @inline(__always)
    package mutating func setElement(_ index: Int, address: UInt64, length: UInt32, key: UInt32) {
        guard count < capacity, index >= 0, index < elementsPerRequest else {
            trap(element: index)
        }
        // Within the array: both factors were just checked.
        unsafe elements[count * elementsPerRequest + index] = ibv_sge(
            addr: address, length: length, lkey: key)
    }

    /// Completes a send (`IBV_WR_SEND`).
    @inlinable @inline(__always)
    package mutating func appendSend(identifier: UInt64, elementCount: Int, flags: SendFlags) {
        _ = unsafe append(IBV_WR_SEND, identifier, elementCount, flags)
    }

    /// Completes a send that invalidates a key of the peer (`IBV_WR_SEND_WITH_INV`).
    ///
    /// The key must be that of a window that is bound at the peer: any other brings an rxe peer
    /// down.
    @inlinable @inline(__always)
    package mutating func appendSend(
        identifier: UInt64, elementCount: Int, flags: SendFlags, invalidatedKey: UInt32
    ) {
        let request = unsafe append(IBV_WR_SEND_WITH_INV, identifier, elementCount, flags)
        unsafe request.pointee.invalidate_rkey = invalidatedKey
    }

    /// Completes a write to the peer's memory (`IBV_WR_RDMA_WRITE`).
    @inlinable @inline(__always)
    package mutating func appendWrite(
        identifier: UInt64, elementCount: Int, flags: SendFlags, remoteAddress: UInt64,
        remoteKey: UInt32
    ) {
        let request = unsafe append(IBV_WR_RDMA_WRITE, identifier, elementCount, flags)
        unsafe request.pointee.wr.rdma.remote_addr = remoteAddress
        unsafe request.pointee.wr.rdma.rkey = remoteKey
    }

    /// Completes a read of the peer's memory (`IBV_WR_RDMA_READ`).
    @inlinable @inline(__always)
    package mutating func appendRead(
        identifier: UInt64, elementCount: Int, flags: SendFlags, remoteAddress: UInt64,
        remoteKey: UInt32
    ) {
        let request = unsafe append(IBV_WR_RDMA_READ, identifier, elementCount, flags)
        unsafe request.pointee.wr.rdma.remote_addr = remoteAddress
        unsafe request.pointee.wr.rdma.rkey = remoteKey
    }

    /// Completes the bind of a window over a part of a region (`IBV_WR_BIND_MW`).
    ///
    /// A device answers anything that it does not like with a completion that ends the queue pair,
    /// so check before.
    ///
    /// - Parameters:
    ///   - identifier: What the completion calls the request.
    ///   - flags: How it is carried out.
    ///   - window: Unbound; its `key` is sent along as the current one.
    ///   - key: The key from now on: `window.nextKey`.
    ///   - region: Of the same domain, with `bindWindows`.
    ///   - address: The device's address of the first byte, within the region.
    ///   - length: In bytes, not 0.
    ///   - rights: What the peer may do: `remoteRead`, `remoteWrite` or both.
    package mutating func appendBind(
        identifier: UInt64, flags: SendFlags, window: borrowing MemoryWindow, key: UInt32,
        region: borrowing MemoryRegion, address: UInt64, length: UInt64, rights: AccessRights
    ) {
        let request = unsafe appendCleared(IBV_WR_BIND_MW, identifier, flags)
        unsafe request.pointee.bind_mw.mw = unsafe window.raw
        unsafe request.pointee.bind_mw.rkey = key
        unsafe request.pointee.bind_mw.bind_info = ibv_mw_bind_info(
            mr: region.raw, addr: address, length: length, mw_access_flags: rights.rawValue)
    }

    /// Completes the invalidation of a key of this side (`IBV_WR_LOCAL_INV`).
    ///
    /// The key must be that of a window that is bound: any other ends the queue pair, or brings an
    /// rxe machine down.
    package mutating func appendLocalInvalidate(
        identifier: UInt64, flags: SendFlags, key: UInt32
    ) {
        let request = unsafe appendCleared(IBV_WR_LOCAL_INV, identifier, flags)
        unsafe request.pointee.invalidate_rkey = key
    }

    /// Shows the addresses of the elements of the last complete requests.
    package func forEachAddress(inLast requestCount: Int, _ body: (UInt64) -> Void) {
        guard requestCount <= count else { fatalError("SendChain: no \(requestCount) requests") }
        for request in (count - requestCount)..<count {
            for index in 0..<(unsafe Int(requests[request].num_sge)) {
                body(unsafe elements[request * elementsPerRequest + index].addr)
            }
        }
    }

    /// Takes all requests back; after a post, this makes room for the next ones.
    @inlinable @inline(__always)
    package mutating func reset() {
        count = 0
    }

    /// Posts every complete request, in order, with one `ibv_post_send`.
    ///
    /// The requests stay in the chain until `reset()`. Posts to one queue pair must not overlap.
    /// Wait for the ready-to-send state first: below it rxe reports an error and keeps the requests
    /// all the same.
    @inlinable @inline(__always)
    package mutating func post(to target: PostTarget) -> PostOutcome {
        guard count > 0 else { return .posted }
        let last = unsafe requests + (count - 1)
        let next = unsafe last.pointee.next
        unsafe last.pointee.next = nil
        let code = unsafe crdma_post_send(target.raw, requests, refused)
        unsafe last.pointee.next = unsafe next
        return code == 0 ? .posted : outcome(code)
    }
}

extension SendChain {
    /// What a code other than 0 means.
    @usableFromInline @inline(never)
    func outcome(_ code: CInt) -> PostOutcome {
        defer { unsafe refused.pointee = nil }
        guard let refused = unsafe refused.pointee else { return .undetermined(code: code) }
        return unsafe .refused(firstUnposted: refused - requests, code: code)
    }

    /// Completes a request that has elements, leaving what only other operations read as it was.
    @discardableResult
    @inlinable @inline(__always)
    mutating func append(
        _ operation: ibv_wr_opcode, _ identifier: UInt64, _ elementCount: Int, _ flags: SendFlags
    ) -> UnsafeMutablePointer<ibv_send_wr> {
        guard count < capacity, elementCount >= 0, elementCount <= elementsPerRequest else {
            trap(elementCount: elementCount)
        }
        let request = unsafe requests + count
        unsafe request.pointee.wr_id = identifier
        unsafe request.pointee.sg_list = unsafe elements + count * elementsPerRequest
        unsafe request.pointee.num_sge = CInt(truncatingIfNeeded: elementCount)
        unsafe request.pointee.opcode = operation
        unsafe request.pointee.send_flags = flags.rawValue
        count += 1
        return unsafe request
    }

    /// Completes a request without elements, all else zero: rxe refuses binds and invalidations
    /// otherwise.
    private mutating func appendCleared(
        _ operation: ibv_wr_opcode, _ identifier: UInt64, _ flags: SendFlags
    ) -> UnsafeMutablePointer<ibv_send_wr> {
        guard count < capacity else { fatalError("SendChain: no room for request \(count)") }
        let request = unsafe requests + count
        let next = unsafe request.pointee.next
        unsafe request.pointee = ibv_send_wr()
        unsafe request.pointee.wr_id = identifier
        unsafe request.pointee.next = unsafe next
        unsafe request.pointee.opcode = operation
        unsafe request.pointee.send_flags = flags.rawValue
        count += 1
        return unsafe request
    }

    // Apart, because putting a message together takes registers also where it is not needed.

    @usableFromInline @inline(never)
    func trap(element index: Int) -> Never {
        fatalError("SendChain: no element \(index) in request \(count)")
    }

    @usableFromInline @inline(never)
    func trap(elementCount: Int) -> Never {
        fatalError("SendChain: no room for request \(count) with \(elementCount) elements")
    }
}
