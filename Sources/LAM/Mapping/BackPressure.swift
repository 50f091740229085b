import Synchronization

/// The patience of a build for which there is no room.
///
/// It waits for mappings that were released and are still pinned, and then gives up what is pinned for later use.
struct BackPressure {
    private var deadline: MonotonicTime?

    /// Waits until a mapping is unpinned, or unpins what nothing uses.
    ///
    /// - Parameters:
    ///   - bytes: how many are missing at most.
    ///   - seen: how many mappings were unpinned before the attempt that failed, so that none is missed after it.
    ///   - core: the adapter's.
    ///   - reaper: who unpins them.
    /// - Returns: false if there is no more room than there was.
    mutating func makesRoom(for bytes: Int, after seen: Int, in core: AdapterCore, by reaper: Reaper) -> Bool {
        releaseHappens(after: seen, in: core, by: reaper) || core.evict(bytes: bytes) > 0
    }

    /// - Returns: false if there is none to wait for, or none is unpinned within the adapter's deadline for idle ones.
    private mutating func releaseHappens(after seen: Int, in core: AdapterCore, by reaper: Reaper) -> Bool {
        let deadline = deadline ?? .now.advanced(by: core.options.unpinDeadline)
        self.deadline = deadline
        reaper.wake()
        return core.children.wait(before: deadline) { _ in
            if core.counters.releases.load(ordering: .acquiring) != seen { return true }
            return core.counters.pendingReleases.load(ordering: .relaxed) == 0 ? false : nil
        } ?? false
    }
}

extension AdapterCore {
    /// Unpins what is pinned for later use: cached registrations first, then slabs of arenas.
    ///
    /// - Returns: how many bytes are unpinned.
    func evict(bytes: Int) -> Int {
        let (caches, arenas) = children.withLock { (Array($0.caches.values), Array($0.arenas.values)) }
        var unpinned = 0
        for cache in caches where unpinned < bytes { unpinned += cache.evict(bytes: bytes - unpinned) }
        for arena in arenas where unpinned < bytes { unpinned += arena.evict(bytes: bytes - unpinned) }
        return unpinned
    }
}
