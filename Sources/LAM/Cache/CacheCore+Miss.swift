import Synchronization
import Tracking

/// Where a thread gets what its shard does not have.
extension CacheCore {
    @usableFromInline @inline(never)
    func buildSlowly(
        _ memory: MemoryDescriptor, _ access: MemoryAccess, retaining owner: (any AnyObject & Sendable)?,
        site: BuildSite
    ) throws(MappingError) -> LogicalAddressMapping {
        let key = CacheKey(memory, access)
        if let mapping = mapAgain(key, site) { return mapping }
        let chain = try MemoryChain(CollectionOfOne(memory), length: memory.length)
        while true {
            guard let shard = unsafe currentShard(), let entry = try entry(for: key, chain, retaining: owner) else {
                return try bypass(chain, access, retaining: owner, site: site)
            }
            // An entry may have gone again.
            if let mapping = try unsafe map(entry, in: shard, site) { return mapping }
        }
    }

    /// Makes a mapping of what the calling thread finds, after waiting for who holds the shards.
    private func mapAgain(_ key: CacheKey, _ site: BuildSite) -> LogicalAddressMapping? {
        guard let shard = unsafe shards.inherited, unsafe shard.pointee.enter() else { return nil }
        defer { unsafe shard.pointee.leave() }
        guard let cut = unsafe shard.pointee.content.find(key)?.take() else { return nil }
        unsafe shard.pointee.content.countHit()
        open(cut, key, site)
        return LogicalAddressMapping(cut, of: adapterID)
    }

    /// Builds a mapping that has nothing to do with the cache.
    private func bypass(
        _ chain: MemoryChain, _ access: MemoryAccess, retaining owner: (any AnyObject & Sendable)?, site: BuildSite
    ) throws(MappingError) -> LogicalAddressMapping {
        let isClosing = index.withLock { index in
            index.countBypass()
            return index.isClosing
        }
        if isClosing { throw .closed }
        return try adapter.buildLam(chain, access, retaining: owner, site: site)
    }

    /// Makes a mapping in a new cut of the calling thread, or in one that came back meanwhile.
    ///
    /// - Returns: nil if the registration is leaving.
    private func map(
        _ entry: CacheEntry, in shard: UnsafeMutablePointer<ThreadShard<CacheShard>>, _ site: BuildSite
    ) throws(MappingError) -> LogicalAddressMapping? {
        guard unsafe shard.pointee.enter() else { throw .closed }
        defer { unsafe shard.pointee.leave() }
        // Whoever evicts holds the shards.
        guard !entry.isLeaving else { return nil }
        let first = unsafe shard.pointee.content.find(entry.key)
        guard let cut = unsafe first?.take() ?? entry.makeCut(in: shard, first: first, of: self) else {
            throw .tooManyMappings(limit: MappingTable.capacity)
        }
        open(cut, entry.key, site)
        return LogicalAddressMapping(cut, of: adapterID)
    }

    // MARK: Registering

    private enum Found {
        case entry(CacheEntry)
        /// The caller is to register the memory.
        case vacancy(CacheEntry)
        /// There is no room.
        case full
        case closed
    }

    /// Finds the registration, or makes it.
    ///
    /// - Returns: nil if there is no room for it.
    private func entry(
        for key: CacheKey, _ chain: MemoryChain, retaining owner: (any AnyObject & Sendable)?
    ) throws(MappingError) -> CacheEntry? {
        let bytes = PageSpan(address: chain.address, length: chain.length).pinnedBytes
        guard bytes <= options.limitBytes, UInt64(chain.length) <= MappingTable.longestCut else { return nil }
        var found = find(key, bytes)
        // Many at a time, because finding out which were not used for longest takes a look at all.
        if case .full = found, evict(bytes: max(bytes, options.limitBytes / 16)) > 0 { found = find(key, bytes) }
        switch found {
        case .entry(let entry): return entry
        case .full: return nil
        case .closed: throw .closed
        case .vacancy(let entry): return try register(entry, chain, bytes, retaining: owner)
        }
    }

    /// Waits while another thread registers the same memory.
    private func find(_ key: CacheKey, _ bytes: Int) -> Found {
        index.wait { index in
            if index.isClosing { return .closed }
            if let entry = index.find(key) {
                guard entry.isReady else {
                    index.noteWait()
                    return nil
                }
                index.countFirstHit()
                return .entry(entry)
            }
            guard index.claim(bytes, limit: options.limitBytes) else { return .full }
            let entry = CacheEntry(key, in: self)
            index.begin(entry)
            return .vacancy(entry)
        } ?? .closed
    }

    /// Registers the memory; nothing is locked meanwhile.
    private func register(
        _ entry: CacheEntry, _ chain: MemoryChain, _ bytes: Int, retaining owner: (any AnyObject & Sendable)?
    ) throws(MappingError) -> CacheEntry {
        do throws(MappingError) {
            entry.pin(
                try adapter.buildLam(chain, entry.key.access, retaining: owner, site: site), in: core.mappings)
            let (isAwaited, isClosing) = index.withLock { index in
                index.finish(entry)
                return (index.takeWait(), index.isClosing)
            }
            if isAwaited { index.signal() }
            // Whoever closed the cache meanwhile did not see it.
            if isClosing { giveUp(overlapping: nil) }
            return entry
        } catch {
            let isAwaited = index.withLock { index in
                index.cancel(entry)
                index.unclaim(bytes)
                return index.takeWait()
            }
            if isAwaited { index.signal() }
            goIfEmpty()
            throw error
        }
    }
}
