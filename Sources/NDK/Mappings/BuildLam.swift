public import CNDK
import LAM
import Synchronization

extension MemoryDescriptor {
    /// The descriptors of a program's chain, as far as `length` bytes need them.
    fileprivate static func chain(
        _ first: UnsafeMutablePointer<MDL>?, length: Int
    ) throws(StatusError) -> [MemoryDescriptor] {
        guard unsafe first != nil else { throw StatusError(.invalidParameter, "Mdl is NULL") }
        var descriptors: [MemoryDescriptor] = []
        var missing = length
        var next = unsafe first
        while let descriptor = unsafe next, missing > 0 {
            let bytes = unsafe Int(MmGetMdlByteCount(descriptor))
            unsafe descriptors.append(
                MemoryDescriptor(address: UInt(bitPattern: MmGetMdlVirtualAddress(descriptor)), length: bytes))
            missing -= Swift.min(missing, bytes)
            unsafe next = descriptor.pointee.Next
        }
        return descriptors
    }
}

/// Where a program wants to have a mapping described.
@safe
private struct MappingBuffer {
    let mapping: UnsafeMutablePointer<NDK_LOGICAL_ADDRESS_MAPPING>?
    let size: UnsafeMutablePointer<ULONG>
    let firstByteOffset: UnsafeMutablePointer<ULONG>

    init(
        _ mapping: UnsafeMutablePointer<NDK_LOGICAL_ADDRESS_MAPPING>?, _ size: UnsafeMutablePointer<ULONG>?,
        _ firstByteOffset: UnsafeMutablePointer<ULONG>?
    ) throws(StatusError) {
        guard let size = unsafe size, let firstByteOffset = unsafe firstByteOffset else {
            throw StatusError(.invalidParameter, "pLAMSize or pFBO is NULL")
        }
        unsafe (self.mapping, self.size, self.firstByteOffset) = unsafe (mapping, size, firstByteOffset)
    }

    /// Tells the program how many bytes the description of a mapping has.
    ///
    /// - Throws: ``StatusError`` with `bufferTooSmall` if there is less room.
    func require(_ pageCount: Int) throws(StatusError) {
        let room = unsafe size.pointee
        guard let needed = ULONG(exactly: 16 + 8 * pageCount) else {
            throw StatusError(.insufficientResources, "\(pageCount) pages do not fit into one description")
        }
        unsafe size.pointee = needed
        guard unsafe mapping != nil, room >= needed else {
            throw StatusError(.bufferTooSmall, "the mapping needs \(needed) bytes, there is room for \(room)")
        }
    }

    func write(_ pages: PageArray, firstByteOffset offset: Int, _ handle: MappingHandle) {
        guard let mapping = unsafe mapping else { return }
        unsafe firstByteOffset.pointee = ULONG(offset)
        unsafe mapping.pointee.AdapterContext = unsafe handle.pointer
        unsafe mapping.pointee.AdapterPageCount = ULONG(pages.count)
        let first = unsafe UnsafeMutableRawPointer(mapping).advanced(by: 16).assumingMemoryBound(to: UInt64.self)
        for (index, page) in pages.enumerated() { unsafe first[index] = page.rawValue }
    }
}

private func pageCount(of chain: [MemoryDescriptor], length: Int) throws(StatusError) -> Int {
    do throws(MappingError) {
        let range = try MemoryChain(chain, length: length)
        return PageSpan(address: range.address, length: range.length).pageCount
    } catch {
        throw StatusError(error)
    }
}

@c @implementation
public func ndk_adapter_build_lam(
    _ adapter: UnsafeMutablePointer<NDK_ADAPTER>?, _ descriptors: UnsafeMutablePointer<MDL>?, _ length: SIZE_T,
    _ completion: NDK_FN_REQUEST_COMPLETION?, _ context: UnsafeMutableRawPointer?,
    _ result: UnsafeMutablePointer<NDK_LOGICAL_ADDRESS_MAPPING>?, _ size: UnsafeMutablePointer<ULONG>?,
    _ firstByteOffset: UnsafeMutablePointer<ULONG>?
) -> NTSTATUS {
    status { () throws(StatusError) in
        let buffer = try unsafe MappingBuffer(result, size, firstByteOffset)
        let adapter: AdapterObject = try unsafe ObjectHandle.object(adapter, NdkObjectTypeAdapter)
        let length = Int(clamping: length)
        let chain = try unsafe MemoryDescriptor.chain(descriptors, length: length)
        // The chain is judged before the room.
        try buffer.require(pageCount(of: chain, length: length))
        let mapping: LogicalAddressMapping
        do throws(MappingError) { mapping = try unsafe adapter.lam.buildLam(chain, length: length) } catch {
            throw StatusError(error)
        }
        let (pages, offset) = (mapping.pages, mapping.firstByteOffset)
        buffer.write(pages, firstByteOffset: offset, MappingHandle(mapping.detached(), of: adapter))
        return .success
    }
}

@c @implementation
public func ndk_adapter_release_lam(
    _ adapter: UnsafeMutablePointer<NDK_ADAPTER>?, _ mapping: UnsafeMutablePointer<NDK_LOGICAL_ADDRESS_MAPPING>?
) {
    _ = status { () throws(StatusError) in
        guard let mapping = unsafe mapping else { throw StatusError(.invalidParameter, "pNdkLAM is NULL") }
        let context = unsafe ProgramPointer(mapping.pointee.AdapterContext)
        return try unsafe ObjectHandle.with(adapter, NdkObjectTypeAdapter) {
            (adapter: AdapterObject) throws(StatusError) in
            guard let id = MappingHandle.mapping(context, of: adapter), case let outcome = adapter.lam.release(id),
                outcome != .unknown
            else {
                adapter.strayReleases.add(1, ordering: .relaxed)
                throw StatusError(
                    .invalidParameter,
                    "the mapping was released before, is of another adapter, or was never built; nothing was changed")
            }
            return .success
        }
    }
}
