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
            forget()
        case 8: replaceArena()
        default: replaceCache()
        }
        openStores()
    }

    /// Has the cache forget memory that nobody maps again.
    private func forget() {
        guard let cache, !cachedBuffers.isEmpty else { return }
        let memory = cachedBuffers.remove(at: random.below(cachedBuffers.count)).descriptor
        let mayBeUnmapped = cache.forget(memory)
        counts.add(.forgotten)
        // What the cache had no room for is the adapter's own, and not the cache's to forget.
        guard mayBeUnmapped, cache.statistics.bypasses == 0 else { return }
        if mappings.contains(where: { $0.cache === cache && $0.mapping?.memory == memory }) {
            objections.append("the cache calls \(memory) free, which is mapped")
        }
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
