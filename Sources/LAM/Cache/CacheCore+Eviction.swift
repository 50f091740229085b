import Synchronization
import Tracking

/// How registrations go.
extension CacheCore {
    /// Unpins registrations that nothing uses, those that were not used for longest first, until `bytes` bytes are
    /// unpinned or none is left.
    ///
    /// Waits for no request; they are deregistered by the calling thread.
    /// - Returns: how many bytes are unpinned.
    func evict(bytes: Int) -> Int {
        evict { entries in
            var missing = bytes
            return entries.sorted { self.age($0) > self.age($1) }.prefix { entry in
                defer { missing -= entry.registration.pinnedBytes }
                return missing > 0
            }
        }
    }

    /// Unpins what nobody made a mapping of since the clock went on three times.
    func evictIdle() {
        _ = evict { entries in entries.filter { self.age($0) >= 3 }[...] }
    }

    /// How often the clock went on since a mapping was made of it last.
    private func age(_ entry: CacheEntry) -> Int32 {
        // A use may be later than the look at the clock.
        Int32(bitPattern: clock.load(ordering: .relaxed) &- entry.lastUse)
    }

    /// Unpins some of those that have no live mapping, if nothing uses them.
    private func evict(_ choose: ([CacheEntry]) -> ArraySlice<CacheEntry>) -> Int {
        let leaving = eviction.withLock { _ in
            // Before the threads are kept out: there may be many.
            var leaving = index.withLock { index in Array(choose(index.entries.filter { !$0.isMapped })) }
            guard !leaving.isEmpty else { return leaving }
            unsafe shards.hold(orderedBy: core) { shards in
                index.withLock { _ in leaving.removeAll { $0.isInUse } }
                unsafe take(leaving, out: shards)
            }
            index.withLock { $0.countEvictions(leaving.count) }
            return leaving
        }
        return leaving.reduce(0) { $0 + (unpin($1) ? $1.registration.pinnedBytes : 0) }
    }

    /// Has nobody find registrations any more, while the shards are held.
    private func take(_ entries: [CacheEntry], out shards: [UnsafeMutablePointer<ThreadShard<CacheShard>>]) {
        for entry in entries {
            unsafe shards.forEach { unsafe $0.pointee.content.remove(entry.key) }
            index.withLock { index in
                entry.beginLeaving()
                index.beginLeaving(entry)
            }
        }
    }

    // MARK: Whether anything uses it or not

    /// Has nobody find what overlaps `memory`, and unpins it as soon as nothing uses it.
    ///
    /// - Parameters:
    ///   - memory: nil for all.
    ///   - isLast: whether the threads are kept out for good.
    func giveUp(overlapping memory: Range<UInt>?, isLast: Bool = false) {
        let (unused, unsettled) = eviction.withLock { _ in
            var leaving: [CacheEntry] = []
            unsafe shards.hold(isLast: isLast, orderedBy: core) { shards in
                leaving = index.withLock { $0.entries.filter { $0.overlaps(memory) } }
                unsafe take(leaving, out: shards)
            }
            return index.withLock { _ in
                let unsettled = leaving.flatMap { $0.countUnsettled() }
                return (leaving.filter(\.isUnused), unsettled)
            }
        }
        unsettled.forEach { handToReaper($0) }
        unused.forEach { _ = unpin($0) }
    }

    /// Unpins on the calling thread what nothing uses and nobody finds any more.
    ///
    /// - Returns: false if the device refused, and is asked again later.
    private func unpin(_ entry: CacheEntry) -> Bool {
        prepare(entry)
        if case .released = entry.registration.releaseIfIdle() { return true }
        entry.registration.release()
        return false
    }

    /// Has the reaper unpin it.
    func giveUp(_ entry: CacheEntry) {
        prepare(entry)
        entry.registration.release()
    }

    private func prepare(_ entry: CacheEntry) {
        core.mappings.undivide(entry.registration.id)
        let cuts = index.withLock { _ in entry.takeCuts() }
        for cut in cuts { core.mappings.retire(cut.cut) }
        index.withLock { index in cuts.forEach { $0.destroy(to: &index.records) } }
        let name = ObjectIdentifier(entry)
        entry.registration.onUnpinned = { [self] in finish(name) }
    }

    /// Forgets a registration that is unpinned.
    private func finish(_ name: ObjectIdentifier) {
        let entry = index.withLock { $0.forget(name) }
        entry.onUnpinned.forEach { $0() }
        goIfEmpty()
    }

    // MARK: The end

    /// Makes no more mappings, and gives up what is cached.
    func close() {
        let wasOpen = index.withLock { index in
            defer { index.isClosing = true }
            return !index.isClosing
        }
        guard wasOpen else { return }
        index.signal()
        giveUp(overlapping: nil, isLast: true)
        goIfEmpty()
    }

    /// Goes when it is closed and has nothing any more.
    func goIfEmpty() {
        let isGone = index.withLock { $0.isClosing && $0.isEmpty }
        if isGone { core.childGone { $0.caches[ObjectIdentifier(self)] = nil } }
    }
}

extension CacheCore {
    /// Mappings that are live, or released and still in use.
    var living: [Survivors.Mapping] {
        var found: [(id: MappingID, isOpen: Bool, memory: MemoryDescriptor, site: BuildSite)] = []
        eviction.withLock { _ in
            // With the shards held, nobody makes a mapping.
            unsafe shards.hold(orderedBy: core) { _ in
                index.withLock { index in
                    for entry in index.all {
                        for cut in entry.cuts {
                            found.append((cut.cut.id, cut.cut.isOpen, entry.registration.memory, cut.site))
                        }
                    }
                }
            }
        }
        return found.compactMap { mapping in
            let use = core.use(of: mapping.id)
            guard mapping.isOpen || !use.isEmpty else { return nil }
            return Survivors.Mapping(memory: mapping.memory, site: mapping.site, use: use)
        }
    }

    var statistics: CacheStatistics {
        var hits = 0
        unsafe shards.forEach { unsafe hits += $0.pointee.content.hitCount }
        return index.withLock { index in
            CacheStatistics(
                hits: hits + index.firstHitCount, misses: index.missCount, bypasses: index.bypassCount,
                evictions: index.evictionCount, registrations: index.all.count, pinnedBytes: index.claimedBytes)
        }
    }
}
