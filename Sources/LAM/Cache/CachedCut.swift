import Synchronization
public import Tracking

/// One of the slots in which mappings of a cached registration are made, by the thread that it was made for.
///
/// A thread has a slot for each mapping of the same registration that it has at a time; nearly always one.
// Sendable: free, it belongs to its thread's shard; mapped, to the mapping. What others ask is atomic.
@usableFromInline @safe
struct CachedCut: @unchecked Sendable {
    @usableFromInline let record: UnsafeMutablePointer<Record>

    /// Two cache lines; a hit and its release touch the first alone, as long as the thread has one mapping at a time.
    @usableFromInline @safe
    struct Record: ~Copyable {
        fileprivate let address: UInt
        @usableFromInline let cut: Cut
        // A cut is not longer than 1 GiB.
        fileprivate let extent: UInt32
        /// Where the cut is kept while it is free. Stays as long as the cache.
        fileprivate let shard: UnsafeMutablePointer<ThreadShard<CacheShard>>
        fileprivate var site: BuildSite
        /// When a mapping was last made of it, on the cache's clock.
        fileprivate let lastUse = Atomic<UInt32>(0)
        /// Not in the thread's hands: mapped, or released and not back yet.
        fileprivate var isOut = true
        /// No mapping is made of it any more; written while all shards are held.
        fileprivate var isLeaving = false
        fileprivate let isFirst: Bool

        /// Released, and left where its thread looks for more.
        fileprivate var isLeft = false
        /// The thread's first cut of the registration, which has the lists; nil in the first itself.
        fileprivate let first: UnsafeMutablePointer<Record>?
        /// In the first: further ones that are free.
        fileprivate var free: UnsafeMutablePointer<Record>?
        fileprivate var next: UnsafeMutablePointer<Record>?
        /// In the first: those that other threads left here.
        fileprivate let left = Atomic<UInt>(0)
        fileprivate let entry: Unmanaged<CacheEntry>
        /// The cut of the same registration that was made before it, by any thread.
        fileprivate let former: CachedCut?

        fileprivate init(
            _ cut: Cut, of entry: CacheEntry, in shard: UnsafeMutablePointer<ThreadShard<CacheShard>>,
            first: UnsafeMutablePointer<Record>?
        ) {
            address = entry.key.address
            self.cut = cut
            extent = UInt32(entry.key.extent)
            unsafe self.shard = unsafe shard
            site = entry.site
            isFirst = unsafe first == nil
            unsafe self.first = unsafe first
            unsafe free = nil
            unsafe next = nil
            unsafe self.entry = .passUnretained(entry)
            former = entry.lastCut
        }
    }

    private init(_ record: UnsafeMutablePointer<Record>) {
        unsafe self.record = unsafe record
    }

    /// - Parameters:
    ///   - cut: never open so far.
    ///   - entry: the registration, which outlives it.
    ///   - shard: the shard of the calling thread.
    ///   - first: the thread's first cut of the registration; nil if this is the one.
    ///   - records: where the record comes from.
    init(
        _ cut: Cut, of entry: CacheEntry, in shard: UnsafeMutablePointer<ThreadShard<CacheShard>>, first: CachedCut?,
        from records: inout Records
    ) {
        unsafe record = unsafe records.take()
        unsafe record.initialize(to: Record(cut, of: entry, in: shard, first: first?.record))
    }

    /// Gives the record back; its cut is retired.
    func destroy(to records: inout Records) {
        unsafe record.deinitialize(count: 1)
        unsafe records.give(record)
    }

    @inlinable @inline(__always)
    var cut: Cut { unsafe record.pointee.cut }

    @inline(__always)
    var key: CacheKey { unsafe CacheKey(address: record.pointee.address, extent: UInt(record.pointee.extent)) }

    /// The cut of the same registration that was made before it.
    var former: CachedCut? { unsafe record.pointee.former }

    var entry: CacheEntry { unsafe record.pointee.entry.takeUnretainedValue() }

    var site: BuildSite {
        get { unsafe record.pointee.site }
        nonmutating set { unsafe record.pointee.site = newValue }
    }

    /// Whether its registration is not to be found any more; asked from inside a shard.
    var isLeaving: Bool {
        get { unsafe record.pointee.isLeaving }
        nonmutating set { unsafe record.pointee.isLeaving = newValue }
    }

    /// Whether it is mapped, or released and on its way back; asked while all shards are held.
    var isOut: Bool { unsafe record.pointee.isOut && !record.pointee.isLeft }

    /// When a mapping was last made of it.
    @inline(__always)
    var lastUse: UInt32 {
        get { unsafe record.pointee.lastUse.load(ordering: .relaxed) }
        nonmutating set { unsafe record.pointee.lastUse.store(newValue, ordering: .relaxed) }
    }

    // MARK: The first one

    /// Takes the first one if it is free; from inside its shard.
    @inline(__always)
    func takeFirst() -> Bool {
        if unsafe record.pointee.isOut { return false }
        unsafe record.pointee.isOut = true
        return true
    }

    /// The same or, if it is not, one of those that the first has.
    func take() -> CachedCut? {
        if takeFirst() { return self }
        if unsafe record.pointee.free == nil { collectLeft() }
        if takeFirst() { return self }
        guard let found = unsafe record.pointee.free else { return nil }
        unsafe record.pointee.free = unsafe found.pointee.next
        unsafe found.pointee.isOut = true
        return unsafe CachedCut(found)
    }

    /// Takes back what other threads left.
    private func collectLeft() {
        guard unsafe record.pointee.left.load(ordering: .relaxed) != 0 else { return }
        var list = unsafe UnsafeMutablePointer<Record>(
            bitPattern: record.pointee.left.exchange(0, ordering: .acquiring))
        while let found = unsafe list {
            unsafe list = unsafe found.pointee.next
            unsafe found.pointee.isLeft = false
            unsafe CachedCut(found).giveBack()
        }
    }

    // MARK: Coming back

    /// Puts a closed cut where its thread finds it, if that is the calling thread and it takes no more than a look.
    @inline(__always)
    func giveBackAtOnce() -> Bool {
        let shard = unsafe record.pointee.shard
        guard unsafe shard.pointee.enterAtOnce() else { return false }
        let isUsual = unsafe record.pointee.isFirst && !record.pointee.isLeaving && cut.mayReopen
        if isUsual { unsafe record.pointee.isOut = false }
        unsafe shard.pointee.leave()
        return isUsual
    }

    /// The same in any case; by its thread, from inside its shard.
    private func giveBack() {
        unsafe record.pointee.isOut = false
        guard let first = unsafe record.pointee.first else { return }
        unsafe record.pointee.next = unsafe first.pointee.free
        unsafe first.pointee.free = unsafe record
    }

    /// The same by any thread, from inside a shard or while nobody holds the shards.
    func leave() {
        if unsafe record.pointee.shard.pointee.owner == ThreadNumber.word { return giveBack() }
        let first = unsafe record.pointee.first ?? record
        unsafe record.pointee.isLeft = true
        var found = unsafe first.pointee.left.load(ordering: .relaxed)
        while true {
            unsafe record.pointee.next = UnsafeMutablePointer(bitPattern: found)
            let pushed = unsafe first.pointee.left.weakCompareExchange(
                expected: found, desired: UInt(bitPattern: record), successOrdering: .releasing,
                failureOrdering: .relaxed)
            if pushed.exchanged { return }
            found = pushed.original
        }
    }
}

extension CachedCut {
    /// Memory for records, as much as there ever were at a time: allocated together, they cost less and lie side by side.
    @safe
    struct Records: ~Copyable {
        private var blocks: [UnsafeMutableRawPointer] = unsafe []
        /// The first free one, each of which begins with a pointer to the next.
        private var free: UnsafeMutableRawPointer?

        private static let countOfBlock = 64
        /// Two cache lines.
        private static let bytes = 128

        init() {
            guard MemoryLayout<Record>.size <= Self.bytes else { fatalError("CachedCut: its record is too long") }
        }

        deinit {
            unsafe blocks.forEach { unsafe $0.deallocate() }
        }

        fileprivate mutating func take() -> UnsafeMutablePointer<Record> {
            if unsafe free == nil { addBlock() }
            let taken = unsafe free!
            unsafe free = taken.load(as: UnsafeMutableRawPointer?.self)
            return unsafe taken.bindMemory(to: Record.self, capacity: 1)
        }

        fileprivate mutating func give(_ record: UnsafeMutablePointer<Record>) {
            unsafe give(UnsafeMutableRawPointer(record))
        }

        private mutating func give(_ memory: UnsafeMutableRawPointer) {
            unsafe memory.storeBytes(of: free, as: UnsafeMutableRawPointer?.self)
            unsafe free = unsafe memory
        }

        private mutating func addBlock() {
            let block = UnsafeMutableRawPointer.allocate(
                byteCount: Self.countOfBlock * Self.bytes, alignment: Self.bytes)
            unsafe blocks.append(block)
            for index in (0..<Self.countOfBlock).reversed() { unsafe give(block + index * Self.bytes) }
        }
    }
}

extension CachedCut: CacheKeyed {
    init(_ pointer: UnsafeMutableRawPointer) {
        unsafe record = pointer.assumingMemoryBound(to: Record.self)
    }

    var pointer: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(record) }
}
