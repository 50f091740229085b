import LAM
import TestSupport
import TrackingModel

/// What keeps memory pinned between mappings: an arena and a registration cache.
extension AdapterLife {
    /// Has an arena and a cache, or goes without where they cannot be had.
    func openStores() {
        if arena == nil {
            // Slabs of two pages, so that they come and go.
            arena = try? adapter.createArena(
                ArenaOptions(budgetBytes: 12 * fakePageSize, slabBytes: 2 * fakePageSize))
        }
        if cache == nil {
            cache = try? adapter.createCache(
                CacheOptions(limitBytes: 6 * fakePageSize, idleLimit: .milliseconds(1 + random.below(20))))
        }
        while cachedBuffers.count < 6, let buffer = try? PageBuffer(count: (1 + random.below(3)) * fakePageSize) {
            cachedBuffers.append(buffer)
        }
    }

    /// Has memory of them unpinned.
    func changeStores() {
        switch random.below(10) {
        case 0..<4:
            let kept = random.below(3) * 2 * fakePageSize
            counts.add(.trimmed, (arena?.trim(toBytes: kept) ?? 0) > 0 ? 1 : 0)
        case 4..<6:
            let kept = random.below(3) * 2 * fakePageSize
            counts.add(.trimmed, (cache?.trim(toBytes: kept) ?? 0) > 0 ? 1 : 0)
        case 6..<8:
            guard !cachedBuffers.isEmpty else { return }
            // Nobody maps this memory again.
            cache?.forget(cachedBuffers.remove(at: random.below(cachedBuffers.count)).descriptor)
            counts.add(.forgotten)
        case 8: replaceArena()
        default: replaceCache()
        }
        openStores()
    }

    private func replaceArena() {
        if random.chance(50) { arena?.close() }
        arena = nil
        counts.add(.arenaEnded)
    }

    private func replaceCache() {
        if random.chance(50) { cache?.close() }
        cache = nil
        counts.add(.cacheEnded)
    }
}
