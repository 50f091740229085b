/// What a registration is found again by: the same memory, with the same rights.
struct CacheKey: Hashable {
    let address: UInt
    /// Twice the length, and one more if the device may write. Never zero.
    let extent: UInt

    @inline(__always)
    init(_ memory: MemoryDescriptor, _ access: MemoryAccess) {
        address = memory.address
        extent = UInt(memory.length) << 1 | (access == .readWrite ? 1 : 0)
    }

    var length: Int { Int(extent >> 1) }
    var access: MemoryAccess { extent & 1 == 1 ? .readWrite : .readOnly }

    /// Where to begin to look among `mask + 1` rows, a power of two.
    ///
    /// Addresses end in zeros, which the multiplication by an odd number leaves there; the upper bits depend on all.
    @inline(__always)
    func row(_ mask: Int) -> Int {
        let mixed = (address &+ extent &<< 40) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed &>> 32) & mask
    }
}

extension CacheKey {
    /// No memory's key.
    static let none = CacheKey(address: 0, extent: 0)

    private init(address: UInt, extent: UInt) {
        self.address = address
        self.extent = extent
    }
}
