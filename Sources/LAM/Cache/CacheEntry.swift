import Synchronization
import Tracking

/// One cached registration, with the slots that mappings of it are made in.
// Sendable: set before others see it, or guarded by the lock of the cache's index; `isLeaving` is written while all
// shards are held, and read from inside one.
@safe
final class CacheEntry: @unchecked Sendable {
    // The cache outlives its entries.
    private let keptCache: Unmanaged<CacheCore>
    let key: CacheKey
    /// What pins the memory. No request can name it: only the cuts have addresses.
    let registration: Registration
    private let place: MappingPlace
    /// When it was registered, on the cache's clock.
    private let madeAt: UInt32

    /// Every cut that threads have of it.
    private(set) var cuts: [CachedCut] = []
    /// It is not to be found any more, and goes when nothing uses it.
    private(set) var isLeaving = false
    /// Of one that is leaving: cuts that are mapped, or released and still in use.
    private var unsettled = 0
    /// Called when it is unpinned.
    var onUnpinned: [@Sendable () -> Void] = []

    var cache: CacheCore { unsafe keptCache.takeUnretainedValue() }
    var site: BuildSite { registration.site }

    init(_ mapping: consuming LogicalAddressMapping, _ key: CacheKey, in cache: CacheCore) {
        unsafe keptCache = .passUnretained(cache)
        self.key = key
        registration = mapping.registration
        place = mapping.place
        madeAt = cache.clock.load(ordering: .relaxed)
        mapping.surrender()
        // Open, so that it is released like any other mapping, but without a byte that a request could name.
        _ = cache.core.mappings.close(registration.id)
        cache.core.mappings.reopen(registration.id, length: 0)
        cache.core.mappings.divide(registration.id) { [self] _ in cache.index.withLock { _ in cuts.map(\.cut) } }
    }

    /// Makes one more cut for the calling thread, who is inside its shard; nil if there are as many mappings as can be.
    ///
    /// - Parameters:
    ///   - shard: the shard.
    ///   - first: the thread's first cut of the registration; nil if it has none.
    func makeCut(in shard: UnsafeMutablePointer<ThreadShard<CacheShard>>, first: CachedCut?) -> CachedCut? {
        let cut = cache.core.mappings.reserveCut(
            memory: UInt64(key.address), room: UInt64(key.length),
            device: KeyedAddress(address: place.base, key: place.key), isWritable: key.access == .readWrite)
        guard let cut else { return nil }
        let made = unsafe CachedCut(cut, of: self, in: shard, first: first)
        if first == nil { unsafe shard.pointee.content.insert(made, key) }
        cache.index.withLock { _ in cuts.append(made) }
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
        unsettled = kept.count + cuts.count(where: \.isOut)
        return kept
    }

    /// Whether nothing uses one that is leaving.
    var isUnused: Bool { unsettled == 0 }

    /// Counts one that came back.
    func settleOne() { unsettled -= 1 }

    /// Takes the cuts out, none of which is used.
    func takeCuts() -> [CachedCut] {
        defer { cuts = [] }
        return cuts
    }
}
