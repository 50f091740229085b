/// What all threads share of an arena: its slabs, and the blocks that no thread keeps to itself.
struct ArenaPool {
    private var free = [ArenaBlockList](repeating: ArenaBlockList(), count: BlockSize.count)
    private(set) var slabs: [ArenaSlab] = []
    /// Bytes of slabs that are pinned, about to be, or not unpinned yet.
    private(set) var claimedBytes = 0
    /// What makes room and is not finished yet: slabs that are being registered, divided or unpinned, and blocks that
    /// the reaper has.
    private(set) var pendingCount = 0
    /// How much of that was finished so far.
    private(set) var finishedCount = 0
    /// Slabs that are being registered.
    private(set) var growingCount = 0
    /// No mapping is made any more.
    private(set) var isClosing = false

    /// Whether nothing is left of a closing arena.
    var isEmpty: Bool { slabs.isEmpty && pendingCount == 0 }

    /// Counts something that makes room when it is finished.
    mutating func begin() {
        pendingCount += 1
    }

    /// Counts that it is.
    mutating func finish() {
        pendingCount -= 1
        finishedCount += 1
    }

    /// A slab for which room was claimed could not be registered, which makes no room.
    mutating func cancelClaim(_ bytes: Int) {
        claimedBytes -= bytes
        growingCount -= 1
        pendingCount -= 1
    }

    /// Has no more mappings made.
    mutating func close() {
        isClosing = true
        // From now on the slabs' counts are enough.
        for index in free.indices { free[index] = ArenaBlockList() }
    }

    // MARK: Blocks

    /// Takes up to `count` blocks, those that rested longest.
    mutating func take(_ size: BlockSize, atMost count: Int) -> ArenaBlockList {
        var taken = ArenaBlockList()
        while taken.count < count, let block = free[size.index].popFirst() {
            block.slab.freeCount -= 1
            taken.append(block)
        }
        return taken
    }

    /// Takes one block.
    mutating func takeOne(_ size: BlockSize) -> ArenaBlock? {
        var taken = take(size, atMost: 1)
        return taken.popFirst()
    }

    /// Takes blocks back that nothing uses.
    mutating func give(_ blocks: inout ArenaBlockList) {
        while let block = blocks.popFirst() {
            block.slab.freeCount += 1
            if !isClosing { free[block.slab.size.index].append(block) }
        }
    }

    // MARK: Slabs

    /// Claims room for a slab that is to be registered.
    ///
    /// - Returns: false if that is over the budget.
    mutating func claim(_ bytes: Int, budget: Int) -> Bool {
        guard bytes <= budget - claimedBytes else { return false }
        claimedBytes += bytes
        growingCount += 1
        begin()
        return true
    }

    /// Adds a slab for which room was claimed.
    mutating func finishGrowth(_ slab: ArenaSlab) {
        growingCount -= 1
        insert(slab)
    }

    /// Gives the room of a slab back which was taken out.
    mutating func unclaim(_ bytes: Int) {
        claimedBytes -= bytes
    }

    /// Adds a slab, all of whose blocks are free.
    mutating func insert(_ slab: ArenaSlab) {
        slabs.append(slab)
        var blocks = ArenaBlockList()
        for block in slab.blocks { blocks.append(block) }
        give(&blocks)
    }

    /// Takes a slab out, of which every block is free; what becomes of it has to be finished.
    mutating func takeFreeSlab(of bytes: Int) -> ArenaSlab? {
        let slab = slabs.first { $0.isFree && $0.memory.length == bytes }
        if let slab {
            remove([slab])
            begin()
        }
        return slab
    }

    /// Takes slabs out, of which every block is free, until they have `bytes` bytes together; what becomes of each has
    /// to be finished.
    mutating func takeFreeSlabs(atLeast bytes: Int) -> [ArenaSlab] {
        var taken: [ArenaSlab] = []
        var missing = bytes
        for slab in slabs where slab.isFree && missing > 0 {
            taken.append(slab)
            begin()
            missing -= slab.memory.length
        }
        remove(taken)
        return taken
    }

    private mutating func remove(_ leaving: [ArenaSlab]) {
        guard !leaving.isEmpty else { return }
        for slab in leaving { slab.isLeaving = true }
        slabs.removeAll(where: \.isLeaving)
        for index in Set(leaving.map(\.size.index)) {
            free[index].removeAll { $0.slab.isLeaving }
        }
        for slab in leaving { (slab.freeCount, slab.isLeaving) = (0, false) }
    }
}
