import Synchronization
import Tracking

/// A registration cache as its threads, its janitor and the reaper share it.
///
/// Lives until it is closed and every registration is unpinned: until then it is one of the adapter's children.
@usableFromInline
final class CacheCore: Sendable {
    let adapter: Adapter
    let core: AdapterCore
    @usableFromInline let adapterID: ObjectIdentifier
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

    // Inlined into the program with their callers: what does not hit needs all its arguments, what hits hardly any.

    /// Makes a mapping, of a cached registration if there is one.
    @inlinable @inline(__always)
    func build(
        _ buffer: PageBuffer, _ access: MemoryAccess, site: BuildSite
    ) throws(MappingError) -> LogicalAddressMapping {
        let memory = buffer.descriptor
        if let cut = openAtOnce(CacheKey(memory, access), site) { return LogicalAddressMapping(cut, of: adapterID) }
        return try buildSlowly(memory, access, retaining: buffer, site: site)
    }

    /// The same of memory that its owner keeps.
    @inlinable @inline(__always)
    func build(
        _ memory: MemoryDescriptor, _ access: MemoryAccess, site: BuildSite
    ) throws(MappingError) -> LogicalAddressMapping {
        if let cut = openAtOnce(CacheKey(memory, access), site) { return LogicalAddressMapping(cut, of: adapterID) }
        return try buildSlowly(memory, access, retaining: nil, site: site)
    }

    /// Makes a mapping if the calling thread has used the registration before, has no other mapping of it now, and
    /// nobody holds the shards: the common case.
    @usableFromInline @inline(never)
    func openAtOnce(_ key: CacheKey, _ site: BuildSite) -> CachedCut? {
        guard let shard = unsafe shards.current, unsafe shard.pointee.turnstile.enterAtOnce() else { return nil }
        let found = unsafe shard.pointee.content.find(key)
        let isFree = found?.takeFirst() ?? false
        if let found, isFree {
            unsafe shard.pointee.content.countHit()
            open(found, key, site)
        }
        unsafe shard.pointee.leave()
        return isFree ? found : nil
    }

    /// Makes a mapping of a cut that was taken, and notes that its registration was used.
    @inline(__always)
    func open(_ cut: CachedCut, _ key: CacheKey, _ site: BuildSite) {
        cut.lastUse = clock.load(ordering: .relaxed)
        cut.site = site
        cut.cut.open(length: UInt64(key.extent &>> 1))
    }

    /// Takes a closed cut back that the calling thread cannot put back at once.
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
        if let shard = unsafe shards.inherited { return unsafe shard }
        index.withLock { index in
            if !index.isClosing { shards.add(CacheShard(), ownerFences: core.barrier == nil) }
        }
        return unsafe shards.current
    }
}

extension CachedCut {
    /// Ends the mapping that was made of the cut.
    @usableFromInline @inline(never)
    func release() {
        cut.close()
        if !giveBackAtOnce() { takeBackSlowly() }
    }

    @inline(never)
    private func takeBackSlowly() {
        // Counting references: with its last cut a closed cache goes, perhaps before this returns.
        entry.cache.takeBack(self)
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
