import Synchronization

/// The local tokens of memory regions, and the mapped bytes that each stands for.
///
/// A request names memory by a logical address and the privileged token or, as NDK has it, by an address within a
/// region and the region's token. Both end at the same mapping, whose fences decide when the memory may go: a token is a
/// second name, and never keeps anything mapped.
/// - Complexity: finding an element's bytes is some loads; no lock, nothing allocated.
package final class RegionTable: Sendable {
    private let entries = ChunkedTable<RegionEntry>()
    /// Entry 0 stays unused, so that no token is below 256.
    private let free = Locked(FreeList<RegionEntry>(1..<UInt32(capacity) + 1))
    private let reserved: UInt32

    /// How many tokens there can be at a time.
    package static var capacity: Int { (1 << 20) - 1 }

    /// - Parameter reserved: a number that is never given as a token.
    package init(reserving reserved: UInt32) {
        self.reserved = reserved
    }

    /// Makes a token, which stands for nothing yet.
    ///
    /// - Returns: nil when a million of them are in use.
    package func open() -> UInt32? {
        guard let index = free.withLock({ $0.take(from: entries) { RegionEntry() } }) else { return nil }
        return unsafe entries.element(at: index)!.pointee.open(at: index, not: reserved)
    }

    /// Has a token stand for mapped bytes, instead of what it stood for.
    package func assign(_ bytes: RegionBytes, to token: UInt32) {
        // Two threads that register a region at a time would leave a mixture.
        free.withLock { _ in
            guard let entry = unsafe entry(of: token) else { fatalError("RegionTable: \(token) is no token") }
            unsafe entry.pointee.store(bytes)
        }
    }

    /// Has a token stand for nothing, if it is valid.
    package func clear(_ token: UInt32) {
        free.withLock { _ in unsafe entry(of: token)?.pointee.store(.none) }
    }

    /// What a token stands for; nil for nothing.
    package func bytes(of token: UInt32) -> RegionBytes? {
        guard let bytes = unsafe entry(of: token)?.pointee.load(), bytes.length > 0 else { return nil }
        return bytes
    }

    /// Makes a token invalid.
    package func close(_ token: UInt32) {
        free.withLock { free in
            guard let entry = unsafe entry(of: token) else { fatalError("RegionTable: \(token) is no token") }
            unsafe entry.pointee.store(.none)
            unsafe entry.pointee.token.store(0, ordering: .releasing)
            free.give(token >> 8, to: entries)
        }
    }

    /// Finds the bytes that a request names by a token.
    ///
    /// - Parameters:
    ///   - token: what the request names, perhaps anything.
    ///   - address: within the region.
    ///   - length: how many bytes.
    ///   - isSink: whether the device is to write to them.
    /// - Returns: the logical address of the first one; nil for a token that is none.
    /// - Throws: what is wrong with the range.
    package func logicalAddress(
        token: UInt32, address: UInt64, length: UInt32, isSink: Bool
    ) throws(UseError) -> UInt64? {
        guard let entry = unsafe entry(of: token) else { return nil }
        guard let bytes = unsafe entry.pointee.load() else { throw .unmapped }
        let offset = address &- bytes.address
        guard offset < bytes.length else { throw .unmapped }
        guard UInt64(length) <= bytes.length - offset else { throw .beyondEnd }
        if isSink { guard bytes.isWritable else { throw .notWritable } }
        return bytes.logicalAddress &+ offset
    }

    private func entry(of token: UInt32) -> UnsafeMutablePointer<RegionEntry>? {
        // A closed entry's token is zero.
        guard token != 0, let entry = unsafe entries.element(at: token >> 8),
            unsafe entry.pointee.token.load(ordering: .acquiring) == token
        else { return nil }
        return unsafe entry
    }
}

/// Mapped bytes as a region names them.
package struct RegionBytes: Hashable, Sendable {
    /// The address of the first byte in the elements of requests.
    package let address: UInt64
    /// How many bytes.
    package let length: UInt64
    /// The logical address of the first byte.
    package let logicalAddress: UInt64
    /// Whether the device may write to them.
    package let isWritable: Bool

    /// Describes bytes of a mapping.
    package init(address: UInt64, length: UInt64, logicalAddress: UInt64, isWritable: Bool) {
        self.address = address
        self.length = length
        self.logicalAddress = logicalAddress
        self.isWritable = isWritable
    }

    fileprivate static let none = RegionBytes(address: 0, length: 0, logicalAddress: 0, isWritable: false)
}

/// What one token stands for. A poster may read it while a careless consumer registers the region anew: it then finds
/// the old bytes, the new ones, or nothing.
struct RegionEntry: ~Copyable, Reusable {
    /// Zero while nobody has it.
    let token = Atomic<UInt32>(0)
    /// Odd while the rest is being changed.
    private let version = Atomic<UInt32>(0)
    private let address = Atomic<UInt64>(0)
    private let length = Atomic<UInt64>(0)
    private let logicalAddress = Atomic<UInt64>(0)
    private let writable = Atomic<Bool>(false)
    /// How many tokens the entry was, modulo 256.
    private let generation = Atomic<UInt8>(0)
    private let nextFree = Atomic<UInt32>(0)

    /// Makes the next token of the entry; its holder is alone.
    func open(at index: UInt32, not reserved: UInt32) -> UInt32 {
        var made = reserved
        while made == reserved {
            let next = generation.wrappingAdd(1, ordering: .relaxed).newValue
            made = index << 8 | UInt32(next)
        }
        token.store(made, ordering: .releasing)
        return made
    }

    /// Writers are serialized by the table.
    func store(_ bytes: RegionBytes) {
        let before = version.load(ordering: .relaxed)
        version.store(before &+ 1, ordering: .relaxed)
        atomicMemoryFence(ordering: .releasing)
        address.store(bytes.address, ordering: .relaxed)
        length.store(bytes.length, ordering: .relaxed)
        logicalAddress.store(bytes.logicalAddress, ordering: .relaxed)
        writable.store(bytes.isWritable, ordering: .relaxed)
        version.store(before &+ 2, ordering: .releasing)
    }

    /// - Returns: nil while it is being changed.
    func load() -> RegionBytes? {
        let before = version.load(ordering: .acquiring)
        let bytes = RegionBytes(
            address: address.load(ordering: .relaxed), length: length.load(ordering: .relaxed),
            logicalAddress: logicalAddress.load(ordering: .relaxed), isWritable: writable.load(ordering: .relaxed))
        atomicMemoryFence(ordering: .acquiring)
        guard before & 1 == 0, version.load(ordering: .relaxed) == before else { return nil }
        return bytes
    }

    // MARK: Free

    var nextFreeIndex: UInt32 { nextFree.load(ordering: .relaxed) }

    func setNextFreeIndex(_ index: UInt32) { nextFree.store(index, ordering: .relaxed) }
}
