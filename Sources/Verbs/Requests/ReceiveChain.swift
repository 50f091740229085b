public import CRDMA

/// Receive requests that are posted together, in arrays of their own.
///
/// Prepare a request with `setElement`, complete it with `append`, and hand all of them to the
/// device with one `post`. Nothing here allocates, locks or counts references, and a call with more
/// than there is room for traps.
/// - Complexity: Each call is O(1) and a few stores; `post` is one `ibv_post_recv`.
@usableFromInline @safe
package struct ReceiveChain: ~Copyable, @unchecked Sendable {
    /// How many requests there is room for.
    @usableFromInline package let capacity: Int
    /// How many elements each request has room for.
    @usableFromInline package let elementsPerRequest: Int
    /// How many requests are complete.
    @usableFromInline package internal(set) var count = 0

    // Both arrays belong to this value alone, which makes it `@unchecked Sendable`. Each request is
    // linked to the next for good, except the last.
    @usableFromInline let requests: UnsafeMutablePointer<ibv_recv_wr>
    @usableFromInline let elements: UnsafeMutablePointer<ibv_sge>
    /// Where the verb says which request it refused; nil before each post, because `outcome` clears it. Not on the
    /// stack, where each post would set it up.
    @usableFromInline let refused: UnsafeMutablePointer<UnsafeMutablePointer<ibv_recv_wr>?>

    /// Allocates room; no call after this allocates.
    package init(capacity: Int, elementsPerRequest: Int) {
        guard capacity > 0, elementsPerRequest >= 0 else {
            fatalError("ReceiveChain: \(capacity) requests of \(elementsPerRequest) elements")
        }
        self.capacity = capacity
        self.elementsPerRequest = elementsPerRequest
        unsafe requests = .allocate(capacity: capacity)
        unsafe requests.initialize(repeating: ibv_recv_wr(), count: capacity)
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
    ///   - address: The device's address of the first byte.
    ///   - length: In bytes.
    ///   - key: The local key of a region with `localWrite`.
    @inlinable @inline(__always)
    package mutating func setElement(_ index: Int, address: UInt64, length: UInt32, key: UInt32) {
        guard count < capacity, index >= 0, index < elementsPerRequest else {
            trap(element: index)
        }
        // Within the array: both factors were just checked.
        unsafe elements[count * elementsPerRequest + index] = ibv_sge(
            addr: address, length: length, lkey: key)
    }

    /// Completes a receive.
    @inlinable @inline(__always)
    package mutating func append(identifier: UInt64, elementCount: Int) {
        guard count < capacity, elementCount >= 0, elementCount <= elementsPerRequest else {
            trap(elementCount: elementCount)
        }
        let request = unsafe requests + count
        unsafe request.pointee.wr_id = identifier
        unsafe request.pointee.sg_list = unsafe elements + count * elementsPerRequest
        unsafe request.pointee.num_sge = CInt(truncatingIfNeeded: elementCount)
        count += 1
    }

    /// Takes all requests back; after a post, this makes room for the next ones.
    @inlinable @inline(__always)
    package mutating func reset() {
        count = 0
    }

    /// Posts every complete request, in order, with one `ibv_post_recv`.
    ///
    /// The requests stay in the chain until `reset()`. Posts to one queue must not overlap. A queue
    /// pair in the reset state refuses.
    @inlinable @inline(__always)
    package mutating func post(to target: PostTarget) -> PostOutcome {
        unsafe post { requests, refused in unsafe crdma_post_recv(target.raw, requests, refused) }
    }

    /// Posts every complete request, in order, with one `ibv_post_srq_recv`; otherwise as to a queue pair.
    @inlinable @inline(__always)
    package mutating func post(to target: SharedPostTarget) -> PostOutcome {
        unsafe post { requests, refused in unsafe crdma_post_srq_recv(target.raw, requests, refused) }
    }

    @inlinable @inline(__always)
    mutating func post(
        _ verb: (
            UnsafeMutablePointer<ibv_recv_wr>, UnsafeMutablePointer<UnsafeMutablePointer<ibv_recv_wr>?>
        ) -> CInt
    ) -> PostOutcome {
        guard count > 0 else { return .posted }
        let last = unsafe requests + (count - 1)
        let next = unsafe last.pointee.next
        unsafe last.pointee.next = nil
        let code = unsafe verb(requests, refused)
        unsafe last.pointee.next = unsafe next
        return code == 0 ? .posted : outcome(code)
    }

    /// What a code other than 0 means.
    @usableFromInline @inline(never)
    func outcome(_ code: CInt) -> PostOutcome {
        defer { unsafe refused.pointee = nil }
        guard let refused = unsafe refused.pointee else { return .undetermined(code: code) }
        return unsafe .refused(firstUnposted: refused - requests, code: code)
    }

    // Apart, because putting a message together takes registers also where it is not needed.

    @usableFromInline @inline(never)
    func trap(element index: Int) -> Never {
        fatalError("ReceiveChain: no element \(index) in request \(count)")
    }

    @usableFromInline @inline(never)
    func trap(elementCount: Int) -> Never {
        fatalError("ReceiveChain: no room for request \(count) with \(elementCount) elements")
    }
}
