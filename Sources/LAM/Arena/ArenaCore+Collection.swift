import Tracking

/// What concerns the blocks of all threads.
extension ArenaCore {
    /// Takes back what threads keep and nothing uses.
    ///
    /// - Parameter size: of a block to spare from the pool, where other threads would take it.
    /// - Returns: such a block.
    @discardableResult
    func collect(sparing size: BlockSize? = nil) -> ArenaBlock? {
        collection.withLock { _ in collectAlone(sparing: size, isLast: false) }
    }

    @discardableResult
    private func collectAlone(sparing size: BlockSize? = nil, isLast: Bool) -> ArenaBlock? {
        var free = ArenaBlockList()
        var resting = ArenaBlockList()
        var spared: ArenaBlock?
        unsafe shards.hold(isLast: isLast, orderedBy: core) { shards in
            unsafe shards.forEach { unsafe $0.pointee.content.drain(free: &free, resting: &resting) }
            // Now, because the next moment threads may fill their shards from the pool.
            if let size { spared = pool.withLock { $0.takeOne(size) } }
        }
        var busy = settle(&resting, into: &free)
        handToReaper(&busy)
        if let size, spared == nil { spared = free.removeFirst(of: size) }
        takeBack(&free)
        return spared
    }

    // MARK: Giving back

    /// Unpins slabs that nobody uses, `bytes` bytes of them or a little more.
    ///
    /// Waits for no request; the slabs are deregistered by the calling thread.
    /// - Returns: how many bytes are unpinned.
    func evict(bytes: Int) -> Int {
        collect()
        let slabs = pool.withLock { $0.takeFreeSlabs(atLeast: bytes) }
        var unpinned = 0
        for slab in slabs {
            let length = slab.memory.length
            let isUnpinned = slab.unpin { [self] in finish { $0.unclaim(length) } }
            if isUnpinned { unpinned += length }
        }
        return unpinned
    }

    /// Makes no more mappings, and gives up what nobody uses; the rest follows as it comes back.
    func close() {
        let wasOpen = pool.withLock { pool in
            defer { pool.close() }
            return !pool.isClosing
        }
        guard wasOpen else { return }
        collection.withLock { _ in _ = collectAlone(isLast: true) }
        giveUpFreeSlabs()
    }

    /// Gives up slabs of a closed arena, and with the last one the arena.
    func giveUpFreeSlabs() {
        let slabs = pool.withLock { $0.takeFreeSlabs(atLeast: .max) }
        for slab in slabs {
            slab.giveUp()
            pool.withLock { $0.finish() }
        }
        if pool.withLock({ $0.isEmpty }) { core.childGone { $0.arenas[ObjectIdentifier(self)] = nil } }
    }

    // MARK: Asking

    /// Mappings that are live, or released and still in use.
    var living: [Survivors.Mapping] {
        var blocks: [(id: MappingID, isOpen: Bool, memory: MemoryDescriptor, site: BuildSite)] = []
        collection.withLock { _ in
            // With the shards and the pool held, nobody maps a block.
            unsafe shards.hold(orderedBy: core) { _ in
                pool.withLock { pool in
                    for block in pool.slabs.lazy.flatMap(\.blocks) {
                        blocks.append((block.cut.id, block.cut.isOpen, block.memory, block.site))
                    }
                }
            }
        }
        return blocks.compactMap { block in
            let use = core.use(of: block.id)
            guard block.isOpen || !use.isEmpty else { return nil }
            return Survivors.Mapping(memory: block.memory, site: block.site, use: use)
        }
    }

    var statistics: ArenaStatistics {
        pool.withLock { pool in
            ArenaStatistics(
                pinnedBytes: pool.claimedBytes, slabs: pool.slabs.count,
                slabsOfPool: pool.slabs.count { $0.memory.pages == .huge },
                mappings: pool.slabs.reduce(0) { $0 + $1.blocks.count(where: \.cut.isOpen) })
        }
    }
}
