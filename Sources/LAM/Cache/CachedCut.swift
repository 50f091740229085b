import Synchronization
import Tracking

/// One of the slots in which mappings of a cached registration are made, by the thread that it was made for.
///
/// A thread has a slot for each mapping of the same registration that it has at a time; nearly always one.
// Sendable: free, it belongs to its thread's shard; mapped, to the mapping. What others ask is atomic.
@safe
struct CachedCut: @unchecked Sendable {
    private let record: UnsafeMutablePointer<Record>

    /// Two cache lines; a hit and a release need the first, and the site.
    @safe
    fileprivate struct Record: ~Copyable {
        let cut: Cut
        /// Where the cut is kept while it is free. Stays as long as the cache.
        let shard: UnsafeMutablePointer<ThreadShard<CacheShard>>
        /// The thread's first cut of the registration, which has the list of the free ones.
        var first: UnsafeMutablePointer<Record>?
        /// In the first: the free ones.
        var free: UnsafeMutablePointer<Record>?
        var next: UnsafeMutablePointer<Record>?
        /// In the first: free ones that other threads left here.
        let left = Atomic<UInt>(0)
        /// In the first: when the thread last made a mapping, on the cache's clock.
        let lastUse = Atomic<UInt32>(0)
        /// No mapping is made of it any more; written while all shards are held.
        var isLeaving = false
        /// Mapped, or released and on its way back.
        var isOut = true
        let threadNumber: UInt16
        var site: BuildSite
        let entry: Unmanaged<CacheEntry>

        init(
            _ cut: Cut, of entry: CacheEntry, in shard: UnsafeMutablePointer<ThreadShard<CacheShard>>, _ number: Int
        ) {
            self.cut = cut
            unsafe self.shard = unsafe shard
            unsafe first = nil
            unsafe free = nil
            unsafe next = nil
            threadNumber = UInt16(number)
            site = entry.site
            unsafe self.entry = .passUnretained(entry)
        }
    }

    private init(_ record: UnsafeMutablePointer<Record>) {
        unsafe self.record = unsafe record
    }

    /// - Parameters:
    ///   - cut: never open so far.
    ///   - entry: the registration, which outlives it.
    ///   - shard: the shard of the calling thread.
    ///   - number: the number of the calling thread.
    ///   - first: the thread's first cut of the registration; nil if this is the one.
    init(
        _ cut: Cut, of entry: CacheEntry, in shard: UnsafeMutablePointer<ThreadShard<CacheShard>>, number: Int,
        first: CachedCut?
    ) {
        unsafe record = UnsafeMutableRawPointer.allocate(
            byteCount: (MemoryLayout<Record>.stride + 63) & ~63, alignment: 64
        ).bindMemory(to: Record.self, capacity: 1)
        unsafe record.initialize(to: Record(cut, of: entry, in: shard, number))
        unsafe record.pointee.first = unsafe first?.record ?? record
    }

    /// Frees what the record has; its cut is retired.
    func destroy() {
        unsafe record.deinitialize(count: 1)
        unsafe UnsafeMutableRawPointer(record).deallocate()
    }

    @inline(__always)
    var cut: Cut { unsafe record.pointee.cut }

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
    var isOut: Bool { unsafe record.pointee.isOut }

    /// The shard that keeps it, if the calling thread has that shard.
    @inline(__always)
    var ownShard: UnsafeMutablePointer<ThreadShard<CacheShard>>? {
        unsafe ThreadNumber.current == Int(record.pointee.threadNumber) ? record.pointee.shard : nil
    }

    // MARK: The first one

    /// When its thread last made a mapping of the registration.
    @inline(__always)
    var lastUse: UInt32 {
        get { unsafe record.pointee.lastUse.load(ordering: .relaxed) }
        nonmutating set { unsafe record.pointee.lastUse.store(newValue, ordering: .relaxed) }
    }

    /// Takes a free cut from the list that the first one has.
    @inline(__always)
    func takeFree() -> CachedCut? {
        if let found = unsafe record.pointee.free {
            unsafe record.pointee.free = unsafe found.pointee.next
            unsafe found.pointee.isOut = true
            return unsafe CachedCut(found)
        }
        return takeLeft()
    }

    @inline(never)
    private func takeLeft() -> CachedCut? {
        guard unsafe record.pointee.left.load(ordering: .relaxed) != 0 else { return nil }
        let list = unsafe UnsafeMutablePointer<Record>(
            bitPattern: record.pointee.left.exchange(0, ordering: .acquiring))
        guard let found = unsafe list else { return nil }
        unsafe record.pointee.free = unsafe found.pointee.next
        unsafe found.pointee.isOut = true
        return unsafe CachedCut(found)
    }

    // MARK: Coming back

    /// Puts the cut where its thread finds it; by that thread, from inside its shard.
    @inline(__always)
    func giveBack() {
        let first = unsafe record.pointee.first!
        unsafe record.pointee.isOut = false
        unsafe record.pointee.next = unsafe first.pointee.free
        unsafe first.pointee.free = unsafe record
    }

    /// The same by any other thread.
    func leave() {
        let first = unsafe record.pointee.first!
        unsafe record.pointee.isOut = false
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
