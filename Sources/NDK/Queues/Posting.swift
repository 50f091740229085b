public import CNDK
import LAM

/// The flags that an operation may have.
private enum LegalFlags {
    static let all =
        NDK_OP_FLAG_SILENT_SUCCESS | NDK_OP_FLAG_READ_FENCE | NDK_OP_FLAG_DEFER
    static let write = all | NDK_OP_FLAG_INLINE
    static let send = write | NDK_OP_FLAG_SEND_AND_SOLICIT_EVENT
    static let read = all | NDK_OP_FLAG_RDMA_READ_LOCAL_INVALIDATE
}

/// Posts a request; the elements of the interface are those of the library.
@inline(__always)
private func post(
    _ queuePair: UnsafeMutablePointer<NDK_QP>?, _ elements: UnsafePointer<NDK_SGE>?, _ count: ULONG, _ flags: ULONG,
    legal: CInt,
    _ body: (inout QueuePair, Span<ScatterGatherElement>, RequestFlags) throws(PostError) -> Void
) -> NTSTATUS {
    status { () throws(StatusError) in
        guard flags & ~ULONG(bitPattern: legal) == 0 else {
            throw StatusError(.invalidParameter, "flags 0x\(String(flags, radix: 16)) are not all for this operation")
        }
        guard unsafe count == 0 || elements != nil else { throw StatusError(.invalidParameter, "pSgl is NULL") }
        return try unsafe ObjectHandle.with(queuePair, NdkObjectTypeQp) {
            (object: QueuePairObject) throws(StatusError) in
            // Both have the layout of `ibv_sge`.
            let start = unsafe UnsafeRawPointer(elements)?.assumingMemoryBound(to: ScatterGatherElement.self)
            let span = unsafe Span(_unsafeElements: UnsafeBufferPointer(start: start, count: Int(count)))
            do throws(PostError) {
                try unsafe body(&object.queuePair.pointee, span, RequestFlags(rawValue: flags))
            } catch {
                throw StatusError(error)
            }
            return .success
        }
    }
}

@inline(__always)
private func context(_ pointer: UnsafeMutableRawPointer?) -> UInt64 {
    UInt64(UInt(bitPattern: pointer))
}

@c @implementation
public func ndk_qp_send(
    _ queuePair: UnsafeMutablePointer<NDK_QP>?, _ requestContext: UnsafeMutableRawPointer?,
    _ elements: UnsafePointer<NDK_SGE>?, _ count: ULONG, _ flags: ULONG
) -> NTSTATUS {
    unsafe post(queuePair, elements, count, flags, legal: LegalFlags.send) {
        (queuePair, elements, flags) throws(PostError) in
        try unsafe queuePair.send(elements, context: context(requestContext), flags: flags)
    }
}

@c @implementation
public func ndk_qp_send_and_invalidate(
    _ queuePair: UnsafeMutablePointer<NDK_QP>?, _ requestContext: UnsafeMutableRawPointer?,
    _ elements: UnsafePointer<NDK_SGE>?, _ count: ULONG, _ flags: ULONG, _ token: UINT32
) -> NTSTATUS {
    unsafe post(queuePair, elements, count, flags, legal: LegalFlags.send) {
        (queuePair, elements, flags) throws(PostError) in
        try unsafe queuePair.send(
            elements, invalidating: token, context: context(requestContext), flags: flags)
    }
}

@c @implementation
public func ndk_qp_receive(
    _ queuePair: UnsafeMutablePointer<NDK_QP>?, _ requestContext: UnsafeMutableRawPointer?,
    _ elements: UnsafePointer<NDK_SGE>?, _ count: ULONG
) -> NTSTATUS {
    unsafe post(queuePair, elements, count, 0, legal: 0) { (queuePair, elements, _) throws(PostError) in
        try unsafe queuePair.receive(into: elements, context: context(requestContext))
    }
}

@c @implementation
public func ndk_qp_read(
    _ queuePair: UnsafeMutablePointer<NDK_QP>?, _ requestContext: UnsafeMutableRawPointer?,
    _ elements: UnsafePointer<NDK_SGE>?, _ count: ULONG, _ address: UINT64, _ token: UINT32, _ flags: ULONG
) -> NTSTATUS {
    unsafe post(queuePair, elements, count, flags, legal: LegalFlags.read) {
        (queuePair, elements, flags) throws(PostError) in
        try unsafe queuePair.read(
            into: elements, from: RemoteMemory(address: address, key: token), context: context(requestContext),
            flags: flags)
    }
}

@c @implementation
public func ndk_qp_write(
    _ queuePair: UnsafeMutablePointer<NDK_QP>?, _ requestContext: UnsafeMutableRawPointer?,
    _ elements: UnsafePointer<NDK_SGE>?, _ count: ULONG, _ address: UINT64, _ token: UINT32, _ flags: ULONG
) -> NTSTATUS {
    unsafe post(queuePair, elements, count, flags, legal: LegalFlags.write) {
        (queuePair, elements, flags) throws(PostError) in
        try unsafe queuePair.write(
            elements, to: RemoteMemory(address: address, key: token), context: context(requestContext), flags: flags)
    }
}

@c @implementation
public func ndk_qp_flush(_ queuePair: UnsafeMutablePointer<NDK_QP>?) {
    _ = status { () throws(StatusError) in
        try unsafe ObjectHandle.with(queuePair, NdkObjectTypeQp) { (object: QueuePairObject) in
            unsafe object.queuePair.pointee.flush()
        }
        return .success
    }
}
