/// What a registration is found again by: the same memory, with the same rights.
@usableFromInline
struct CacheKey: Hashable {
    @usableFromInline let address: UInt
    /// Twice the length, and one more if the device may write. Never zero.
    @usableFromInline let extent: UInt

    @inlinable @inline(__always)
    init(_ memory: MemoryDescriptor, _ access: MemoryAccess) {
        address = memory.address
        extent = UInt(bitPattern: memory.length) &<< 1 | (access == .readWrite ? 1 : 0)
    }

    @inline(__always)
    init(address: UInt, extent: UInt) {
        self.address = address
        self.extent = extent
    }

    var length: Int { Int(bitPattern: extent &>> 1) }
    var access: MemoryAccess { extent & 1 == 1 ? .readWrite : .readOnly }

    /// A number that hardly two keys have in common; its upper bits depend on all of the key.
    ///
    /// Addresses end in zeros, which the multiplication by an odd number leaves there.
    @inline(__always)
    var mixed: UInt { (address ^ (extent &<< 40 | extent &>> 24)) &* 0x9E37_79B9_7F4A_7C15 }
}
