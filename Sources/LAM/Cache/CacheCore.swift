import Synchronization
import Tracking

/// A registration cache as its threads, its janitor and the reaper share it.
///
/// Lives until it is closed and every registration is unpinned: until then it is one of the adapter's children.
final class CacheCore: Sendable {
    let adapter: Adapter
    let core: AdapterCore
    private let adapterID: ObjectIdentifier
    let options: CacheOptions
    let site: BuildSite
    let shards = ThreadShards<CacheShard>()
    /// What all threads share. Nobody who holds it waits for a shard.
    let index = Monitor(CacheIndex())
    /// Held by whoever holds the shards. Nobody who is inside a shard waits for it.
    let eviction = Monitor(())
    /// Counts up twice in each time that a registration may be idle, while there is any.
    let clock = Atomic<UInt32>(0)

    init(adapter: Adapter, options: CacheOptions, site: BuildSite) {
        self.adapter = adapter
        core = adapter.core
        adapterID = ObjectIdentifier(adapter)
        self.options = options
        self.site = site
    }

    // MARK: Mappings

    /// Makes a mapping, of a cached registration if there is one.
    @inline(__always)
    func build(
        _ memory: MemoryDescriptor, _ access: MemoryAccess, retaining owner: (any AnyObject & Sendable)?,
        site: BuildSite
    ) throws(MappingError) -> LogicalAddressMapping {
        let key = CacheKey(memory, access)
        if let shard = unsafe shards.current, unsafe shard.pointee.enter() {
            defer { unsafe shard.pointee.leave() }
            if let first = unsafe shard.pointee.content.find(key), let cut = first.takeFree() {
                unsafe shard.pointee.content.countHit()
                first.lastUse = clock.load(ordering: .relaxed)
                return map(cut, key, site)
            }
        }
        return try buildSlowly(memory, access, retaining: owner, site: site)
    }

    @inline(__always)
    func map(_ cut: CachedCut, _ key: CacheKey, _ site: BuildSite) -> LogicalAddressMapping {
        cut.site = site
        return LogicalAddressMapping(cut, at: cut.cut.open(length: UInt64(key.length)), of: adapterID)
    }

    /// Takes a closed cut back that the calling thread did not make, or that cannot be opened at once.
    func takeBack(_ cut: CachedCut) {
        // From inside, so that nobody evicts it meanwhile.
        guard let shard = unsafe currentShard(), unsafe shard.pointee.enter() else {
            return eviction.withLock { _ in takeBackAlone(cut) }
        }
        defer { unsafe shard.pointee.leave() }
        takeBackAlone(cut)
    }

    private func takeBackAlone(_ cut: CachedCut) {
        if cut.isLeaving || !cut.cut.mayReopen { handToReaper(cut) } else { cut.leave() }
    }

    /// Has the reaper see when nothing uses a closed cut any more; then `onReturned` is called.
    func handToReaper(_ cut: CachedCut, _ onReturned: (@Sendable () -> Void)? = nil) {
        adapter.reaper.add(ReturningCut(cut, to: self, onReturned: onReturned))
    }

    /// Takes a cut back that nothing uses.
    func settled(_ cut: CachedCut) {
        let entry = cut.entry
        let isLeaving = eviction.withLock { _ in
            if !cut.isLeaving { cut.leave() }
            return cut.isLeaving
        }
        guard isLeaving else { return }
        let isLast = index.withLock { _ in
            entry.settleOne()
            return entry.isUnused
        }
        if isLast { giveUp(entry) }
    }

    /// The calling thread's shard, which is made if there is none; nil where the thread can have none.
    func currentShard() -> UnsafeMutablePointer<ThreadShard<CacheShard>>? {
        if let shard = unsafe shards.current { return unsafe shard }
        index.withLock { index in
            guard !index.isClosing else { return }
            shards.add(ThreadShard(turnstile: Turnstile(ownerFences: core.barrier == nil), content: CacheShard()))
        }
        return unsafe shards.current
    }
}

extension CachedCut {
    /// Ends the mapping that was made of the cut.
    @inline(__always)
    func release() {
        cut.close()
        guard let shard = unsafe ownShard, unsafe shard.pointee.enter() else { return takeBackSlowly() }
        defer { unsafe shard.pointee.leave() }
        if isLeaving || !cut.mayReopen { handToReaper() } else { giveBack() }
    }

    @inline(never)
    private func takeBackSlowly() {
        // Counting references: with its last cut a closed cache goes, perhaps before this returns.
        entry.cache.takeBack(self)
    }

    @inline(never)
    private func handToReaper() {
        entry.cache.handToReaper(self)
    }

    /// The same as `release`; `onReturned` is called when nothing uses the memory by this mapping any more.
    func release(_ onReturned: @escaping @Sendable () -> Void) {
        cut.close()
        entry.cache.handToReaper(self, onReturned)
    }

    /// Ends the mapping if nothing uses it, and otherwise leaves it as it was.
    func releaseIfIdle() -> ImmediateRelease {
        let cache = entry.cache
        let length = cut.length
        cut.close()
        guard cache.core.isIdle(cut.id) else {
            cut.reopen(length: length)
            let use = cache.core.use(of: cut.id)
            cache.adapter.help(cut.id)
            return .inUse(use)
        }
        cache.settled(self)
        return .released
    }
}

/// A cut that was released and cannot be opened again yet, in the hands of the reaper.
// Sendable: the reaper has it alone once it was handed over.
final class ReturningCut: Reapable, @unchecked Sendable {
    private let cut: CachedCut
    private let cache: CacheCore
    private let onReturned: (@Sendable () -> Void)?

    let id: MappingID

    /// - Parameters:
    ///   - cut: closed, and nobody's.
    ///   - cache: kept until it has the cut back.
    ///   - onReturned: called when nothing uses the cut any more.
    init(_ cut: CachedCut, to cache: CacheCore, onReturned: (@Sendable () -> Void)?) {
        self.cut = cut
        self.cache = cache
        self.onReturned = onReturned
        id = cut.cut.id
    }

    var isAwaited: Bool { onReturned != nil }

    func reap(in core: AdapterCore) {
        guard core.mappings.settle(cut.cut) else { fatalError("ReturningCut: \(id) is in use") }
        cache.settled(cut)
        onReturned?()
    }
}
