// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// The entry points are documented in ndkpi.h and ndk.h.

public import CNDK
import LAM

/// Requests that give a peer rights, or take them back.

@c @implementation
public func ndk_qp_bind(
    _ queuePair: UnsafeMutablePointer<NDK_QP>?, _ context: UnsafeMutableRawPointer?,
    _ region: UnsafeMutablePointer<NDK_MR>?, _ window: UnsafeMutablePointer<NDK_MW>?,
    _ address: UnsafeMutableRawPointer?, _ length: SIZE_T, _ flags: ULONG
) -> NTSTATUS {
    unsafe post(queuePair, flags, legal: LegalFlags.bind) { (queuePair, requestFlags) throws(StatusError) in
        let region: MemoryRegionObject = try unsafe ObjectHandle.object(region, NdkObjectTypeMr)
        let window: MemoryWindowObject = try unsafe ObjectHandle.object(window, NdkObjectTypeMw)
        try queuePair.domain.check(region.domain)
        try queuePair.domain.check(window.domain)
        let access = try RegionAccess(operationFlags: flags)
        let bytes = try region.bytes(at: UInt(bitPattern: address), length: length)
        // Until the window's end rather than the binding's, which only its completion tells.
        try window.require(region)
        do throws(PostError) {
            _ = try unsafe queuePair.queuePair.pointee.bind(
                window.window.pointee, over: region.region.pointee, bytes, access: access.ofPeer,
                context: requestContext(context), flags: requestFlags.ofOperation)
        } catch {
            throw StatusError(error)
        }
    }
}

@c @implementation
public func ndk_qp_fast_register(
    _ queuePair: UnsafeMutablePointer<NDK_QP>?, _ context: UnsafeMutableRawPointer?,
    _ region: UnsafeMutablePointer<NDK_MR>?, _ pageCount: ULONG, _ pages: UnsafePointer<NDK_LOGICAL_ADDRESS>?,
    _ firstByteOffset: ULONG, _ length: SIZE_T, _ base: UnsafeMutableRawPointer?, _ flags: ULONG
) -> NTSTATUS {
    unsafe post(queuePair, flags, legal: LegalFlags.fastRegister) { (queuePair, requestFlags) throws(StatusError) in
        let region: MemoryRegionObject = try unsafe ObjectHandle.object(region, NdkObjectTypeMr)
        try queuePair.domain.check(region.domain)
        let access = try RegionAccess(operationFlags: flags)
        guard let pages = unsafe pages else { throw StatusError(.invalidParameter, "AdapterPageArray is NULL") }
        // A logical address is its number in both languages.
        let addresses = unsafe UnsafeBufferPointer(
            start: UnsafeRawPointer(pages).assumingMemoryBound(to: LogicalAddress.self), count: Int(pageCount))
        do throws(PostError) {
            _ = try unsafe queuePair.queuePair.pointee.fastRegister(
                region.region.pointee, pages: addresses, firstByteOffset: Int(firstByteOffset), length: length,
                baseAddress: UInt64(UInt(bitPattern: base)), access: access, context: requestContext(context),
                flags: requestFlags.ofOperation)
        } catch {
            throw StatusError(error)
        }
    }
}

@c @implementation
public func ndk_qp_invalidate(
    _ queuePair: UnsafeMutablePointer<NDK_QP>?, _ context: UnsafeMutableRawPointer?,
    _ target: UnsafeMutablePointer<NDK_OBJECT_HEADER>?, _ flags: ULONG
) -> NTSTATUS {
    unsafe post(queuePair, flags, legal: LegalFlags.all) { (queuePair, flags) throws(StatusError) in
        let target = try unsafe ObjectHandle.any(target)
        do throws(PostError) {
            switch target {
            case let region as MemoryRegionObject:
                try unsafe queuePair.queuePair.pointee.invalidate(
                    region.region.pointee, context: requestContext(context), flags: flags)
            case let window as MemoryWindowObject:
                try unsafe queuePair.queuePair.pointee.invalidate(
                    window.window.pointee, context: requestContext(context), flags: flags)
            default:
                throw .region(.notRegistered)
            }
        } catch {
            throw StatusError(error)
        }
    }
}

extension ProtectionDomainObject {
    /// - Throws: ``StatusError`` unless the domain is this one.
    fileprivate func check(_ other: ProtectionDomainObject) throws(StatusError) {
        guard other === self else {
            throw StatusError(.invalidParameter, "the queue pair and the memory are of different protection domains")
        }
    }
}

extension MemoryRegionObject {
    /// Where a range of addresses is within the registered memory.
    fileprivate func bytes(at address: UInt, length: SIZE_T) throws(StatusError) -> Range<Int> {
        guard let memory = unsafe region.pointee.registeredMemory else {
            throw StatusError(RegionError.notRegistered)
        }
        // What is beyond an Int in C is negative here.
        guard length >= 0, address >= memory.address, let start = Int(exactly: address - memory.address),
            start <= memory.length, length <= memory.length - start
        else {
            throw StatusError(.accessViolation, "\(length) bytes from \(address) on are not within the region")
        }
        return start..<start + length
    }
}

extension RegionAccess {
    /// What a window gives to the peer.
    fileprivate var ofPeer: RemoteAccess {
        var peer: RemoteAccess = []
        if contains(.remoteRead) { peer.insert(.read) }
        if contains(.remoteWrite) { peer.insert(.write) }
        return peer
    }
}

extension RequestFlags {
    /// Without rights.
    fileprivate var ofOperation: RequestFlags {
        intersection(RequestFlags(rawValue: ULONG(bitPattern: LegalFlags.all)))
    }
}
