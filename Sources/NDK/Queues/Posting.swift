// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// The entry points are documented in ndkpi.h and ndk.h.

public import CNDK
import LAM

/// Elements that a program passes: they have the layout of the library's own, that of `ibv_sge`, and are there as long
/// as the program's call.
///
/// - Throws: ``StatusError`` for none where there should be some, or more than the queue was created for.
@inline(__always)
func programElements(
    _ elements: UnsafePointer<NDK_SGE>?, _ count: ULONG, atMost limit: Int
) throws(StatusError) -> UnsafeBufferPointer<ScatterGatherElement> {
    guard count <= limit else {
        throw StatusError(.dataOverrun, because: .post(.tooManyElements(count: Int(count), limit: limit)))
    }
    guard unsafe count == 0 || elements != nil else { throw StatusError(.invalidParameter, "pSgl is NULL") }
    return unsafe UnsafeBufferPointer(
        start: UnsafeRawPointer(elements)?.assumingMemoryBound(to: ScatterGatherElement.self), count: Int(count))
}

/// What a program gives with a request and gets back with its result.
@inline(__always)
func requestContext(_ pointer: UnsafeMutableRawPointer?) -> UInt64 {
    UInt64(UInt(bitPattern: pointer))
}

/// Carries a request out on a queue pair.
@inline(__always)
func post(
    _ queuePair: UnsafeMutablePointer<NDK_QP>?, _ flags: ULONG, legal: CInt,
    _ body: (QueuePairObject, RequestFlags) throws(StatusError) -> Void
) -> NTSTATUS {
    status { () throws(StatusError) in
        guard flags & ~ULONG(bitPattern: legal) == 0 else {
            throw StatusError(.invalidParameter, "flags 0x\(String(flags, radix: 16)) are not all for this operation")
        }
        try unsafe ObjectHandle.with(queuePair, NdkObjectTypeQp) { (object: QueuePairObject) throws(StatusError) in
            try body(object, RequestFlags(rawValue: flags))
        }
        return .success
    }
}

/// The same for a request with elements on the initiator queue.
@inline(__always)
private func post(
    _ queuePair: UnsafeMutablePointer<NDK_QP>?, _ elements: UnsafePointer<NDK_SGE>?, _ count: ULONG, _ flags: ULONG,
    legal: CInt, _ body: (inout QueuePair, Span<ScatterGatherElement>, RequestFlags) throws(PostError) -> Void
) -> NTSTATUS {
    unsafe post(queuePair, flags, legal: legal) { (object, flags) throws(StatusError) in
        // How many an inline request has does not matter.
        let limit = flags.contains(.inline) ? Int(ULONG.max) : object.capacity.sendElements
        let elements = try unsafe programElements(elements, count, atMost: limit)
        do throws(PostError) {
            // As in a kernel, an inline element whose token is nobody's has an address of the process.
            let flags = flags.contains(.inline) ? flags.union(.processMemory) : flags
            try unsafe body(&object.queuePair.pointee, Span(_unsafeElements: elements), flags)
        } catch {
            throw StatusError(error)
        }
    }
}

/// The flags that an operation may have.
enum LegalFlags {
    static let all = NDK_OP_FLAG_SILENT_SUCCESS | NDK_OP_FLAG_READ_FENCE | NDK_OP_FLAG_DEFER
    static let write = all | NDK_OP_FLAG_INLINE
    static let send = write | NDK_OP_FLAG_SEND_AND_SOLICIT_EVENT
    static let read = all | NDK_OP_FLAG_RDMA_READ_LOCAL_INVALIDATE
    static let bind = all | NDK_OP_FLAG_ALLOW_REMOTE_READ | NDK_OP_FLAG_ALLOW_REMOTE_WRITE
    static let fastRegister = bind | NDK_OP_FLAG_RDMA_READ_SINK
}

// MARK: Entry points

@c @implementation
public func ndk_qp_send(
    _ queuePair: UnsafeMutablePointer<NDK_QP>?, _ context: UnsafeMutableRawPointer?,
    _ elements: UnsafePointer<NDK_SGE>?, _ count: ULONG, _ flags: ULONG
) -> NTSTATUS {
    unsafe post(queuePair, elements, count, flags, legal: LegalFlags.send) {
        (queuePair, elements, flags) throws(PostError) in
        try unsafe queuePair.send(elements, context: requestContext(context), flags: flags)
    }
}

@c @implementation
public func ndk_qp_send_and_invalidate(
    _ queuePair: UnsafeMutablePointer<NDK_QP>?, _ context: UnsafeMutableRawPointer?,
    _ elements: UnsafePointer<NDK_SGE>?, _ count: ULONG, _ flags: ULONG, _ token: UINT32
) -> NTSTATUS {
    unsafe post(queuePair, elements, count, flags, legal: LegalFlags.send) {
        (queuePair, elements, flags) throws(PostError) in
        try unsafe queuePair.sendAndInvalidate(
            elements, remoteKey: token, context: requestContext(context), flags: flags)
    }
}

@c @implementation
public func ndk_qp_receive(
    _ queuePair: UnsafeMutablePointer<NDK_QP>?, _ context: UnsafeMutableRawPointer?,
    _ elements: UnsafePointer<NDK_SGE>?, _ count: ULONG
) -> NTSTATUS {
    unsafe post(queuePair, 0, legal: 0) { (object, _) throws(StatusError) in
        let elements = try unsafe programElements(elements, count, atMost: object.capacity.receiveElements)
        do throws(PostError) {
            try unsafe object.queuePair.pointee.receive(
                into: Span(_unsafeElements: elements), context: requestContext(context))
        } catch {
            throw StatusError(error)
        }
    }
}

@c @implementation
public func ndk_qp_read(
    _ queuePair: UnsafeMutablePointer<NDK_QP>?, _ context: UnsafeMutableRawPointer?,
    _ elements: UnsafePointer<NDK_SGE>?, _ count: ULONG, _ address: UINT64, _ token: UINT32, _ flags: ULONG
) -> NTSTATUS {
    unsafe post(queuePair, elements, count, flags, legal: LegalFlags.read) {
        (queuePair, elements, flags) throws(PostError) in
        try unsafe queuePair.read(
            into: elements, from: RemoteMemory(address: address, key: token), context: requestContext(context),
            flags: flags)
    }
}

@c @implementation
public func ndk_qp_write(
    _ queuePair: UnsafeMutablePointer<NDK_QP>?, _ context: UnsafeMutableRawPointer?,
    _ elements: UnsafePointer<NDK_SGE>?, _ count: ULONG, _ address: UINT64, _ token: UINT32, _ flags: ULONG
) -> NTSTATUS {
    unsafe post(queuePair, elements, count, flags, legal: LegalFlags.write) {
        (queuePair, elements, flags) throws(PostError) in
        try unsafe queuePair.write(
            elements, to: RemoteMemory(address: address, key: token), context: requestContext(context), flags: flags)
    }
}

@c @implementation
public func ndk_qp_flush(_ queuePair: UnsafeMutablePointer<NDK_QP>?) {
    _ = status { () throws(StatusError) in
        try unsafe ObjectHandle.with(queuePair, NdkObjectTypeQp) { (object: QueuePairObject) in
            object.queuePairHandle.flush()
        }
        return .success
    }
}
