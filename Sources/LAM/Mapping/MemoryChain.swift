/// A chain of descriptors that was found to be one contiguous range: what a build registers.
///
/// The checks, in this order, so that a caller can rely on which error it gets:
/// 1. the length is at least one byte (rule L3, trap T31): ``MappingError/empty``;
/// 2. the chain has at least that many bytes (rule L3): ``MappingError/lengthExceedsDescriptors(asked:available:)``;
/// 3. then descriptor by descriptor, until the length is used up (rule L2, trap T32): it begins where the one before it
///    ended, or ``MappingError/notContiguous(descriptor:expectedAddress:foundAddress:)``, and the used part of it ends
///    within the address space, or ``MappingError/addressOverflow(address:length:)``.
///
/// Descriptors without bytes are passed over wherever they stand and wherever they point, because the rule is about
/// bytes; so the range begins at the first byte of the chain. What follows the last used byte is not looked at.
/// Nothing here reads the memory itself (rule L5).
package struct MemoryChain: Hashable, Sendable {
    /// The virtual address of the first byte.
    package let address: UInt

    /// How many bytes the range has; at least one, and `address + length` does not overflow.
    package let length: Int

    /// Checks that the first `length` bytes of `descriptors` are one virtually contiguous range.
    ///
    /// - Complexity: O(*n*) in the descriptors up to the one that holds the last used byte; allocates nothing.
    package init(_ descriptors: some Collection<MemoryDescriptor>, length: Int) throws(MappingError) {
        guard length > 0 else { throw .empty }
        let available = Self.bytes(of: descriptors, upTo: length)
        guard available >= length else { throw .lengthExceedsDescriptors(asked: length, available: available) }
        self.address = try Self.start(of: descriptors, length: length)
        self.length = length
    }

    /// How many bytes the chain has; counting stops at `limit`, so the sum cannot overflow.
    private static func bytes(of descriptors: some Collection<MemoryDescriptor>, upTo limit: Int) -> Int {
        var missing = limit
        for descriptor in descriptors {
            missing -= min(missing, descriptor.length)
            if missing == 0 { break }
        }
        return limit - missing
    }

    /// Where the range begins whose `length` bytes the descriptors hold in a row.
    private static func start(
        of descriptors: some Collection<MemoryDescriptor>, length: Int
    ) throws(MappingError) -> UInt {
        guard let first = descriptors.first(where: { (descriptor) in descriptor.length > 0 }) else { throw .empty }
        var end = first.address
        var remaining = length
        for (index, descriptor) in descriptors.enumerated() where descriptor.length > 0 {
            guard descriptor.address == end else {
                throw .notContiguous(descriptor: index, expectedAddress: end, foundAddress: descriptor.address)
            }
            let used = min(remaining, descriptor.length)
            end = try Self.end(of: descriptor.address, length: used)
            remaining -= used
            if remaining == 0 { break }
        }
        return first.address
    }

    /// The address behind the last byte; a range that ends at the very top wraps to 0, which verbs refuse as well.
    private static func end(of address: UInt, length: Int) throws(MappingError) -> UInt {
        let (end, overflow) = address.addingReportingOverflow(UInt(length))
        guard !overflow else { throw .addressOverflow(address: address, length: length) }
        return end
    }
}
