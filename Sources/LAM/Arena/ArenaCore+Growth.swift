import Tracking

/// Where blocks come from when no thread has one to spare.
extension ArenaCore {
    /// Takes a block that is the pool's.
    private func takeFromPool(_ size: BlockSize) throws(MappingError) -> ArenaBlock? {
        try pool.withLock { (pool) throws(MappingError) in
            guard !pool.isClosing else { throw .closed }
            return pool.takeOne(size)
        }
    }

    /// Gets a block from where there is one, or may be in a moment.
    func findBlock(_ size: BlockSize) throws(MappingError) -> ArenaBlock {
        var deadline: MonotonicTime?
        while true {
            let seen = pool.withLock { $0.finishedCount }
            let failure: MappingError
            switch try findRoom(size) {
            case .found(let block): return block
            case .none(let error): failure = error
            }
            deadline = deadline ?? .now.advanced(by: core.options.unpinDeadline)
            guard roomIsMade(after: seen, before: deadline) else { throw failure }
        }
    }

    private enum Room {
        case found(ArenaBlock)
        case none(MappingError)
    }

    /// Pins more memory or, where that is not possible, takes back what threads keep and do not use.
    private func findRoom(_ size: BlockSize) throws(MappingError) -> Room {
        if let block = try takeFromPool(size) { return .found(block) }
        let bytes = max(slabBytes, size.bytes)
        let failure: MappingError
        do throws(MappingError) {
            if let block = try grow(by: bytes, size) { return .found(block) }
            failure = .arenaFull(asked: size.bytes, pinned: pool.withLock { $0.claimedBytes }, budget: budgetBytes)
        } catch {
            failure = error
        }
        if let block = collect(sparing: size) { return .found(block) }
        if let block = try divideFreeSlab(of: bytes, size) { return .found(block) }
        // A slab of another length may be in the way.
        if evict(bytes: bytes) > 0, let block = try grow(by: bytes, size) { return .found(block) }
        return .none(failure)
    }

    /// Waits until something is finished that makes room.
    ///
    /// - Returns: false if there is nothing, or not until the deadline. A slab that is being registered is waited for
    ///   without one: that takes milliseconds for pages that were never touched, and ends in any case.
    private func roomIsMade(after seen: Int, before deadline: MonotonicTime?) -> Bool {
        let hasGrown = pool.wait { pool in pool.finishedCount != seen ? true : pool.growingCount == 0 ? false : nil }
        if hasGrown == true { return true }
        if let deadline, deadline < .now { return false }
        adapter.reaper.wake()
        return pool.wait(before: deadline) { pool in
            if pool.finishedCount != seen { return true }
            return pool.pendingCount == 0 ? false : nil
        } ?? false
    }

    /// Registers one more slab.
    ///
    /// - Returns: one of its blocks; nil if it is over the budget.
    private func grow(by bytes: Int, _ size: BlockSize) throws(MappingError) -> ArenaBlock? {
        guard pool.withLock({ $0.claim(bytes, budget: budgetBytes) }) else { return nil }
        do throws(MappingError) {
            let slab = try registerSlab(of: bytes, size)
            return add(slab) { $0.finishGrowth(slab) }
        } catch {
            let isClosing = pool.withLock { pool in
                pool.cancelClaim(bytes)
                return pool.isClosing
            }
            pool.signal()
            if isClosing { giveUpFreeSlabs() }
            throw error
        }
    }

    private func registerSlab(of bytes: Int, _ size: BlockSize) throws(MappingError) -> ArenaSlab {
        // The pool of huge pages may have too few, and a control group may refuse them when they are touched.
        if bytes.isMultiple(of: AnonymousMemory.hugePageBytes),
            let slab = try? ArenaSlab(AnonymousMemory(length: bytes, pages: .huge), of: size, in: self)
        {
            return slab
        }
        return try ArenaSlab(AnonymousMemory(length: bytes, pages: .transparentHuge), of: size, in: self)
    }

    /// Divides a slab that nobody uses into blocks of another size.
    private func divideFreeSlab(of bytes: Int, _ size: BlockSize) throws(MappingError) -> ArenaBlock? {
        guard let slab = pool.withLock({ $0.takeFreeSlab(of: bytes) }) else { return nil }
        do throws(MappingError) { try slab.divide(into: size) } catch {
            finish { $0.insert(slab) }
            throw error
        }
        return add(slab) { $0.insert(slab) }
    }

    /// Adds a slab to the pool, as `insert` does it.
    ///
    /// - Returns: one of its blocks; nil if the arena was closed meanwhile.
    private func add(_ slab: ArenaSlab, _ insert: (inout ArenaPool) -> Void) -> ArenaBlock? {
        finish { pool in
            insert(&pool)
            return pool.isClosing ? nil : pool.takeOne(slab.size)
        }
    }
}
