import Synchronization
import Tracking

/// An arena as its threads and the reaper share it.
///
/// Lives until it is closed and every block came back: until then it is one of the adapter's children.
@usableFromInline
final class ArenaCore: Sendable {
    let adapter: Adapter
    let core: AdapterCore
    @usableFromInline let adapterID: ObjectIdentifier
    let budgetBytes: Int
    let slabBytes: Int
    let site: BuildSite
    let shards = ThreadShards<ArenaShard>()
    let pool = Monitor(ArenaPool())
    /// Held by whoever holds the shards. Nobody who is inside a shard waits for it.
    let collection = Monitor(())

    init(adapter: Adapter, options: ArenaOptions, site: BuildSite) {
        self.adapter = adapter
        core = adapter.core
        adapterID = ObjectIdentifier(adapter)
        budgetBytes = options.budgetBytes
        slabBytes = options.slabLength
        self.site = site
    }

    // MARK: Mappings

    /// Makes a mapping of a free block.
    // Inlined into the program: what a mapping at once does not need, is not there before it fails.
    @inlinable @inline(__always)
    func build(length: Int, site: BuildSite) throws(MappingError) -> LogicalAddressMapping {
        if let block = openAtOnce(length, site) { return LogicalAddressMapping(block, of: adapterID) }
        return try buildSlowly(length, site)
    }

    /// Makes a mapping of a block that the calling thread keeps, if it has a free one and nobody holds the shards: the
    /// common case.
    @usableFromInline @inline(never)
    func openAtOnce(_ length: Int, _ site: BuildSite) -> ArenaBlock? {
        guard let size = BlockSize(holding: length), let shard = unsafe shards.current,
            unsafe shard.pointee.turnstile.enterAtOnce()
        else { return nil }
        // First the pointer: in one expression this changes the whole shard, whose turnstile others ask meanwhile.
        let kept = unsafe shard.pointee.content[size]
        let block = unsafe kept.pointee.free.popFirst()
        if let block { unsafe block.open(length: length, site, in: shard) }
        unsafe shard.pointee.leave()
        return block
    }

    @usableFromInline @inline(never)
    func buildSlowly(_ length: Int, _ site: BuildSite) throws(MappingError) -> LogicalAddressMapping {
        guard let size = BlockSize(holding: length) else {
            throw length > 0 ? .tooLong(asked: length, limit: BlockSize.largest) : .empty
        }
        if let shard = unsafe findShard(), unsafe shard.pointee.enter() {
            defer { unsafe shard.pointee.leave() }
            let kept = unsafe shard.pointee.content[size]
            if let block = unsafe kept.pointee.free.popFirst() ?? refill(&kept.pointee, size) {
                unsafe block.open(length: length, site, in: shard)
                return LogicalAddressMapping(block, of: adapterID)
            }
        }
        let block = try findBlock(size)
        // Whoever asks what is alive has all blocks to himself.
        pool.withLock { _ in unsafe block.open(length: length, site, in: shards.current) }
        return LogicalAddressMapping(block, of: adapterID)
    }

    /// Has a closed block rest with the calling thread.
    func rest(_ block: ArenaBlock, _ size: BlockSize) {
        guard let shard = unsafe findShard(), unsafe shard.pointee.enter() else { return handToReaper(block) }
        defer { unsafe shard.pointee.leave() }
        let kept = unsafe shard.pointee.content[size]
        unsafe kept.pointee.resting.append(block)
        if unsafe kept.pointee.resting.count >= kept.pointee.restingLimit { unsafe hand(over: &kept.pointee) }
    }

    // MARK: A shard's ends

    /// Finds free blocks for a shard that has none: those that rested, if there are many, or else the pool's.
    private func refill(_ kept: inout ArenaShard.Kept, _ size: BlockSize) -> ArenaBlock? {
        if kept.resting.count < size.batch {
            kept.free = pool.withLock { $0.take(size, atMost: size.batch) }
        }
        if kept.free.isEmpty {
            var busy = settle(&kept.resting, into: &kept.free)
            // A few are likely to be idle the next time. Many would make that time come soon.
            if busy.count > size.batch / 4 { handToReaper(&busy) }
            kept.resting = busy
        }
        return kept.free.popFirst()
    }

    /// Gives the blocks of a thread that releases more than it makes to the others.
    private func hand(over kept: inout ArenaShard.Kept) {
        var settled = ArenaBlockList()
        var busy = settle(&kept.resting, into: &settled)
        handToReaper(&busy)
        takeBack(&settled)
    }

    /// Moves the resting blocks that nothing uses to the free ones.
    ///
    /// - Returns: the others.
    func settle(_ resting: inout ArenaBlockList, into free: inout ArenaBlockList) -> ArenaBlockList {
        var busy = ArenaBlockList()
        guard !resting.isEmpty else { return busy }
        core.orderPosts()
        let mappings = core.mappings
        resting.removeAll { block in
            let isBusy = !block.cut.isUntouched && !mappings.settle(block.cut)
            if isBusy { busy.append(block) }
            return isBusy
        }
        free.append(&resting)
        return busy
    }

    // MARK: Returning blocks

    /// Has the reaper give closed blocks back when nothing uses them any more.
    func handToReaper(_ blocks: inout ArenaBlockList) {
        core.counters.deferredReleases.add(blocks.count, ordering: .relaxed)
        while let block = blocks.popFirst() { handToReaper(block) }
    }

    /// The same for one block; then `onReturned` is called.
    func handToReaper(_ block: ArenaBlock, _ onReturned: (@Sendable () -> Void)? = nil) {
        pool.withLock { $0.begin() }
        adapter.reaper.add(ReturningBlock(block, to: self, onReturned: onReturned))
    }

    /// Takes back blocks that nothing uses.
    func takeBack(_ blocks: inout ArenaBlockList) {
        let isClosing = pool.withLock { pool in
            pool.give(&blocks)
            return pool.isClosing
        }
        if isClosing { giveUpFreeSlabs() }
    }

    /// Finishes something that makes room, and wakes who waits for it.
    func finish<Result>(_ body: (inout ArenaPool) -> Result) -> Result {
        let (result, isClosing) = pool.withLock { pool in
            pool.finish()
            return (body(&pool), pool.isClosing)
        }
        pool.signal()
        if isClosing { giveUpFreeSlabs() }
        return result
    }

    /// The calling thread's shard, which is made if there is none; nil where the thread can have none.
    private func findShard() -> UnsafeMutablePointer<ThreadShard<ArenaShard>>? {
        if let shard = unsafe shards.inherited { return unsafe shard }
        pool.withLock { pool in
            if !pool.isClosing { shards.add(ArenaShard(), ownerFences: core.barrier == nil) }
        }
        return unsafe shards.current
    }
}
