// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// The entry points are documented in ndkpi.h and ndk.h.

public import CNDK
import LAM
import Synchronization

/// Where a program wants to have a mapping described.
// Sendable: the program leaves its memory alone until the build has ended.
@safe
private struct MappingBuffer: @unchecked Sendable {
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
        guard let needed = ULONG(exactly: Self.headerSize + Self.pageSize * pageCount) else {
            throw StatusError(.insufficientResources, "\(pageCount) pages do not fit into one description")
        }
        unsafe size.pointee = needed
        guard unsafe mapping != nil, room >= needed else {
            throw StatusError(.bufferTooSmall, "the mapping needs \(needed) bytes, there is room for \(room)")
        }
    }

    /// Builds the mapping and describes it.
    func build(_ memory: ProgramMemory, on adapter: AdapterObject) throws(StatusError) {
        let built: LogicalAddressMapping
        do throws(MappingError) {
            built = try unsafe adapter.lam.buildLam(memory.descriptors, length: memory.length)
        } catch {
            throw StatusError(error)
        }
        let (pages, offset) = (built.pages, built.firstByteOffset)
        write(pages, firstByteOffset: offset, MappingHandle(built.detached(), of: adapter))
    }

    private func write(_ pages: PageArray, firstByteOffset offset: Int, _ handle: MappingHandle) {
        guard let mapping = unsafe mapping else { return }
        unsafe firstByteOffset.pointee = ULONG(offset)
        unsafe mapping.pointee.AdapterContext = unsafe handle.pointer
        unsafe mapping.pointee.AdapterPageCount = ULONG(pages.count)
        let first = unsafe UnsafeMutableRawPointer(mapping).advanced(by: Self.headerSize)
            .assumingMemoryBound(to: UInt64.self)
        for (index, page) in pages.enumerated() { unsafe first[index] = page.rawValue }
    }

    /// Of `NDK_LOGICAL_ADDRESS_MAPPING` before its pages, and of each page.
    private static let headerSize = 16
    private static let pageSize = 8
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
        let memory = try unsafe ProgramMemory(descriptors, length: length)
        // The chain is judged before the room.
        try buffer.require(memory.pageCount)
        guard memory.isLong, unsafe completion != nil else {
            try buffer.build(memory, on: adapter)
            return .success
        }
        let request = try unsafe Request(on: adapter, completion, context)
        adapter.errands.run {
            request.end(with: { () throws(StatusError) in try buffer.build(memory, on: adapter) })
        }
        return .pending
    }
}

@c @implementation
public func ndk_adapter_release_lam(
    _ adapter: UnsafeMutablePointer<NDK_ADAPTER>?, _ mapping: UnsafeMutablePointer<NDK_LOGICAL_ADDRESS_MAPPING>?
) {
    _ = status { () throws(StatusError) in
        guard let mapping = unsafe mapping else { throw StatusError(.invalidParameter, "pNdkLAM is NULL") }
        let context = unsafe ProgramPointer(mapping.pointee.AdapterContext)
        let adapter: AdapterObject = try unsafe ObjectHandle.object(adapter, NdkObjectTypeAdapter)
        guard let id = MappingHandle.mapping(context, of: adapter), adapter.lam.release(id) else {
            adapter.strayReleases.add(1, ordering: .relaxed)
            throw StatusError(
                .invalidParameter,
                "the mapping was released before, is of another adapter, or was never built; nothing was changed")
        }
        return .success
    }
}
