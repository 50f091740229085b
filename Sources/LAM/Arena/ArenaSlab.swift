import Tracking

/// Registered memory, divided into blocks of one size.
// Sendable: `freeCount` and `isLeaving` are the pool's, under its lock; the rest changes only while no block is out, by whoever took the
// slab out of the pool.
@safe
final class ArenaSlab: MemoryDivider, @unchecked Sendable {
    // The arena keeps its slabs until they are given up, and itself as long as it has one.
    private let keptArena: Unmanaged<ArenaCore>
    let memory: AnonymousMemory
    /// What pins the memory. No request can name it: only the cuts have addresses.
    let registration: Registration
    private let place: MappingPlace

    private(set) var size: BlockSize
    private var records: UnsafeMutableBufferPointer<ArenaBlock.Record>
    /// How many of the blocks are in the pool.
    var freeCount = 0
    /// Set while the pool parts with it.
    var isLeaving = false

    /// What the slab is a part of.
    var arena: ArenaCore { unsafe keptArena.takeUnretainedValue() }

    /// The place in the program that created the arena.
    var site: BuildSite { registration.site }
    private var blockCount: Int { unsafe records.count }
    /// Whether every block is in the pool.
    var isFree: Bool { freeCount == blockCount }
    var blocks: some Sequence<ArenaBlock> {
        unsafe (0..<records.count).lazy.map { [records] in unsafe ArenaBlock(records.baseAddress! + $0) }
    }

    /// Registers memory and divides it.
    init(_ memory: AnonymousMemory, of size: BlockSize, in arena: ArenaCore) throws(MappingError) {
        unsafe keptArena = .passUnretained(arena)
        self.memory = memory
        let chain = try MemoryChain(
            CollectionOfOne(MemoryDescriptor(address: memory.address, length: memory.length)), length: memory.length)
        let mapping = try arena.adapter.buildLam(chain, .readWrite, retaining: memory, site: arena.site)
        registration = mapping.registration
        place = mapping.place
        mapping.surrender()
        self.size = size
        unsafe records = .init(start: nil, count: 0)
        arena.core.mappings.hide(registration.id)
        do { try divide(into: size) } catch {
            giveUp()
            throw error
        }
    }

    deinit {
        unsafe records.deallocate()
    }

    // MARK: Blocks

    /// Divides the memory anew; no block is out.
    func divide(into size: BlockSize) throws(MappingError) {
        undivide()
        self.size = size
        let count = memory.length / size.bytes
        let start = unsafe UnsafeMutableRawPointer.allocate(
            byteCount: count * MemoryLayout<ArenaBlock.Record>.stride, alignment: 64
        ).bindMemory(to: ArenaBlock.Record.self, capacity: count)
        for index in 0..<count {
            guard let cut = cut(index) else {
                unsafe records = .init(start: start, count: index)
                undivide()
                throw .tooManyMappings(limit: MappingTable.capacity)
            }
            unsafe (start + index).initialize(
                to: ArenaBlock.Record(cut, in: self))
        }
        unsafe records = .init(start: start, count: count)
        arena.core.mappings.divide(registration.id, by: self)
    }

    /// Where the memory of a block is in this process.
    func address(of record: UnsafeMutablePointer<ArenaBlock.Record>) -> UInt {
        unsafe memory.address + UInt((record - records.baseAddress!) * size.bytes)
    }

    private func cut(_ index: Int) -> Cut? {
        let offset = UInt64(index * size.bytes)
        return arena.core.mappings.reserveCut(
            memory: UInt64(memory.address) + offset, room: UInt64(size.bytes),
            device: KeyedAddress(address: place.base + offset, key: place.key))
    }

    func cuts(at address: UInt64) -> [Cut] {
        let index = Int((address &- place.base) / UInt64(size.bytes))
        return index < blockCount ? unsafe [records[index].cut] : []
    }

    private func undivide() {
        arena.core.mappings.undivide(registration.id)
        for block in blocks { arena.core.mappings.retire(block.cut) }
        unsafe records.deallocate()
        unsafe records = .init(start: nil, count: 0)
    }

    // MARK: The end

    /// Gives the slab up, of which no block is out.
    ///
    /// - Parameter onUnpinned: called when its memory is unpinned.
    func giveUp(_ onUnpinned: (@Sendable () -> Void)? = nil) {
        undivide()
        registration.onUnpinned = onUnpinned
        registration.release()
    }

    /// Unpins the slab, of which no block is out, on the calling thread.
    ///
    /// - Parameter onUnpinned: called when its memory is unpinned.
    /// - Returns: false if the device refused, and is asked again later.
    func unpin(_ onUnpinned: @escaping @Sendable () -> Void) -> Bool {
        undivide()
        registration.onUnpinned = onUnpinned
        if case .released = registration.releaseIfIdle() { return true }
        registration.release()
        return false
    }
}
