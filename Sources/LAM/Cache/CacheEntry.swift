import Synchronization
import Tracking

/// One cached registration, with the slots that mappings of it are made in.
// Sendable: set before others see it, or guarded by the lock of the cache's index; `isLeaving` is written while all
// shards are held, and read from inside one.
@safe
final class CacheEntry: MemoryDivider, @unchecked Sendable {
    // The cache outlives its entries.
    private let keptCache: Unmanaged<CacheCore>
    let key: CacheKey
    /// When it was registered, on the cache's clock.
    private let madeAt: UInt32
    /// What pins the memory, and where the device finds it. No request can name it: only the cuts have addresses.
    private var pinned: (registration: Registration, place: MappingPlace)?
    /// Whether mappings can be made of it; until then whoever needs one waits.
    private(set) var isReady = false

    /// The cut that was made last, of any thread; it knows the one before it.
    private(set) var lastCut: CachedCut?
    /// It is not to be found any more, and goes when nothing uses it.
    private(set) var isLeaving = false
    /// Of one that is leaving: cuts that are mapped, or released and still in use.
    private var unsettled = 0
    /// Called when it is unpinned.
    var onUnpinned: [@Sendable () -> Void] = []

    var cache: CacheCore { unsafe keptCache.takeUnretainedValue() }
    var site: BuildSite { registration.site }
    var registration: Registration { pinned!.registration }

    /// Memory that is not registered yet.
    init(_ key: CacheKey, in cache: CacheCore) {
        unsafe keptCache = .passUnretained(cache)
        self.key = key
        madeAt = cache.clock.load(ordering: .relaxed)
    }

    /// Takes what pins the memory, of which no mapping can be made yet.
    func pin(_ mapping: consuming LogicalAddressMapping, in mappings: MappingTable) {
        let id = mapping.id
        pinned = (mapping.registration, mapping.place)
        mapping.surrender()
        mappings.hide(id)
        mappings.divide(id, by: self)
    }

    func cuts(at address: UInt64) -> [Cut] { cache.index.withLock { _ in cuts.map(\.cut) } }

    /// Lets mappings be made of it.
    func becomeReady() { isReady = true }

    /// Every cut that threads have of it.
    var cuts: some Sequence<CachedCut> {
        sequence(state: lastCut) { next in
            defer { next = next?.former }
            return next
        }
    }

    /// Makes one more cut for the calling thread, who is inside its shard.
    ///
    /// - Parameters:
    ///   - shard: the shard.
    ///   - first: the thread's first cut of the registration; nil if it has none.
    ///   - cache: the registration's.
    /// - Returns: nil if there are as many mappings as can be.
    func makeCut(
        in shard: UnsafeMutablePointer<ThreadShard<CacheShard>>, first: CachedCut?, of cache: CacheCore
    ) -> CachedCut? {
        let place = pinned!.place
        let cut = cache.core.mappings.reserveCut(
            memory: UInt64(key.address), room: UInt64(key.length),
            device: KeyedAddress(address: place.base, key: place.key), isWritable: key.access == .readWrite)
        guard let cut else { return nil }
        let made = cache.index.withLock { index in
            let made = unsafe CachedCut(cut, of: self, in: shard, first: first, from: &index.records)
            lastCut = made
            return made
        }
        if first == nil { unsafe shard.pointee.content.insert(made) }
        return made
    }

    /// When a mapping was last made of it, on the cache's clock.
    var lastUse: UInt32 { cuts.reduce(madeAt) { max($0, $1.lastUse) } }

    /// Whether a mapping of it is live.
    var isMapped: Bool { cuts.contains { $0.cut.isOpen } }

    /// Whether a mapping of it is live, or was released and is still in use; asked while the shards are held.
    var isInUse: Bool { cuts.contains { $0.isOut || !cache.core.mappings.isIdle($0.cut) } }

    func overlaps(_ memory: Range<UInt>?) -> Bool {
        memory?.overlaps(key.address..<key.address + UInt(key.length)) ?? true
    }

    // MARK: Going

    /// Has no mapping be made of it any more; while the shards are held.
    func beginLeaving() {
        isLeaving = true
        for cut in cuts { cut.isLeaving = true }
    }

    /// Counts the cuts of one that is leaving that have to come back before it can go.
    ///
    /// - Returns: those of them that nobody has, and that requests still use.
    func countUnsettled() -> [CachedCut] {
        let kept = cuts.filter { !$0.isOut && !cache.core.mappings.isIdle($0.cut) }
        unsettled = kept.count + cuts.reduce(0) { $0 + ($1.isOut ? 1 : 0) }
        return kept
    }

    /// Whether nothing uses one that is leaving.
    var isUnused: Bool { unsettled == 0 }

    /// Counts one that came back.
    func settleOne() { unsettled -= 1 }

    /// Takes the cuts out, none of which is used.
    func takeCuts() -> [CachedCut] {
        defer { lastCut = nil }
        return Array(cuts)
    }
}
