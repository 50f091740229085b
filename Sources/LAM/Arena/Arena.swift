/// Memory that is pinned once, and from which mappings are cut without a system call.
///
/// Building a mapping over memory of your own costs a registration: microseconds, and much more on an adapter. An arena
/// registers *slabs* of some megabytes, of huge pages where there are any, and cuts mappings from them at the cost of a
/// few stores. Such a mapping is a ``LogicalAddressMapping`` like any other: it has logical addresses of its own, which
/// nothing answers to when it is released, and its bytes are handed out again when no request and no window uses them
/// any more, and not before. A timed-out I/O never gives its memory to another one.
///
/// ```swift
/// let arena = try adapter.createArena(ArenaOptions(budgetBytes: 256 << 20))
/// let mapping = try arena.buildLam(length: 4096)
/// mapping.withMutableBytes { bytes in … }
/// try queuePair.send(mapping, 0..<4096)
/// mapping.release()
/// ```
///
/// Any number of threads may use an arena. Each keeps some blocks to itself, so that usually none waits for another.
///
/// An arena is an object of its adapter, which does not close before the arena is closed and its mappings are released.
public final class Arena: Sendable {
    @usableFromInline let core: ArenaCore

    init(_ core: ArenaCore) {
        self.core = core
    }

    deinit {
        core.close()
    }

    /// Cuts a mapping of `length` bytes.
    ///
    /// Its bytes are what was there before: clear them where that matters. It begins at a multiple of `length`, rounded
    /// up to a power of two and at least 512.
    /// - Parameters:
    ///   - length: bytes, up to 1 GiB.
    ///   - file: where the mapping is built; reports of what is still alive name it.
    ///   - line: the line in that file.
    /// - Returns: the mapping.
    /// - Throws: ``MappingError/arenaFull(asked:pinned:budget:)`` while the budget is in use, ``MappingError/closed``,
    ///   ``MappingError/empty`` or ``MappingError/tooLong(asked:limit:)``, and whatever ``Adapter/buildLam(over:access:file:line:)``
    ///   throws, because the first mappings register slabs.
    /// - Complexity: some stores. Every 1024th mapping, a more frequent one where blocks are large or few, costs a
    ///   `membarrier(2)`, which finds out which of those released before are idle; one for which no block is free, a
    ///   registration.
    @inlinable @inline(__always)
    public func buildLam(
        length: Int, file: StaticString = #fileID, line: UInt = #line
    ) throws(MappingError) -> LogicalAddressMapping {
        try core.build(length: length, site: BuildSite(file: file, line: line))
    }

    /// Unpins slabs that nothing uses until no more than `bytes` bytes are pinned.
    ///
    /// Waits for no request. What is in use, or was released and is in use still, stays.
    /// - Returns: how many bytes were unpinned.
    /// - Complexity: one `ibv_dereg_mr` for each slab, on the calling thread, and two `membarrier(2)`.
    @discardableResult
    public func trim(toBytes bytes: Int = 0) -> Int {
        let excess = statistics.pinnedBytes - bytes
        return excess > 0 ? core.evict(bytes: excess) : 0
    }

    /// Makes no more mappings, and unpins the memory as the last ones of it are released.
    ///
    /// Returns at once; mappings stay valid. Dropping the arena does the same.
    public func close() {
        core.close()
    }

    /// What the arena has at this moment.
    ///
    /// - Complexity: O(*n*) in the blocks of all slabs.
    public var statistics: ArenaStatistics { core.statistics }
}

/// How much an arena may take.
public struct ArenaOptions: Hashable, Sendable {
    /// How many bytes slabs may pin at a time.
    ///
    /// The adapter's own ``AdapterOptions/pinBudget`` holds besides.
    public var budgetBytes: Int

    /// How many bytes are registered at a time. A mapping that is longer gets a slab of its own.
    ///
    /// Fewer and larger slabs are fewer registrations, of which an adapter finds only some thousands at once.
    public var slabBytes: Int

    /// Decides.
    ///
    /// - Parameters:
    ///   - budgetBytes: bytes, at least 4096.
    ///   - slabBytes: bytes, rounded up to a power of two, and down to what the budget allows.
    public init(budgetBytes: Int, slabBytes: Int = 4 << 20) {
        self.budgetBytes = budgetBytes
        self.slabBytes = slabBytes
    }

    /// The bytes of a slab: a power of two, of at least one page and at most the budget.
    var slabLength: Int {
        let asked = min(max(slabBytes, 1), BlockSize.largest, max(budgetBytes, 1))
        let shift = Int.bitWidth - 1 - asked.leadingZeroBitCount
        let roundedUp = asked & (asked - 1) == 0 || asked == budgetBytes ? 1 << shift : 2 << shift
        return max(roundedUp, PageSpan.hostPageSize)
    }
}

/// What an arena has; a snapshot.
public struct ArenaStatistics: Hashable, Sendable {
    /// Bytes of all slabs, which are pinned, about to be, or not unpinned yet.
    public let pinnedBytes: Int
    /// Slabs that mappings are cut from.
    public let slabs: Int
    /// Those of them whose memory is from the system's pool of huge pages.
    public let slabsOfPool: Int
    /// Mappings that are cut now and not released.
    public let mappings: Int
}

extension Adapter {
    /// Creates an arena, which pins nothing yet.
    ///
    /// - Parameters:
    ///   - options: how much it may take.
    ///   - file: where the arena is created; reports of what is still alive name it.
    ///   - line: the line in that file.
    /// - Returns: the arena.
    /// - Throws: ``AdapterError/closed``.
    public func createArena(
        _ options: ArenaOptions, file: StaticString = #fileID, line: UInt = #line
    ) throws(AdapterError) -> Arena {
        let arena = ArenaCore(adapter: self, options: options, site: BuildSite(file: file, line: line))
        let isOpen = core.children.withLock { children in
            if !children.isClosing { children.arenas[ObjectIdentifier(arena)] = arena }
            return !children.isClosing
        }
        guard isOpen else { throw .closed }
        return Arena(arena)
    }
}
