import CNDK
import LAM

/// The first bytes of a program's chain of memory descriptors.
struct ProgramMemory: Sendable {
    /// As far as they are needed.
    let descriptors: [MemoryDescriptor]
    let length: Int

    /// Copies what the program says.
    ///
    /// - Throws: ``StatusError`` for no chain, or one that goes on and on.
    init(_ first: UnsafeMutablePointer<MDL>?, length: SIZE_T) throws(StatusError) {
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
            // A chain that bites its tail has no end.
            guard descriptors.count <= Self.longestChain else {
                throw StatusError(.invalidParameter, "Mdl is a chain of more than \(Self.longestChain) descriptors")
            }
        }
        self.descriptors = descriptors
        self.length = length
    }

    private static let longestChain = 1 << 20

    /// Whether pinning it takes so long that a program had better not wait: some 100 µs where its pages are there.
    var isLong: Bool { length > 1 << 20 }

    /// How many pages a mapping of it has.
    ///
    /// - Throws: ``StatusError`` where it is not one contiguous range.
    var pageCount: Int {
        get throws(StatusError) {
            do throws(MappingError) {
                let range = try MemoryChain(descriptors, length: length)
                return PageSpan(address: range.address, length: range.length).pageCount
            } catch {
                throw StatusError(error)
            }
        }
    }
}
