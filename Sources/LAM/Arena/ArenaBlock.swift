public import Tracking

/// A part of a slab, all of which have one size: free, resting, or mapped.
///
/// A block belongs to one holder at a time, who alone changes it: a list, or the mapping that was made of it.
// Sendable: passes from holder to holder through a shard's turnstile or a lock; the slab keeps the record.
@usableFromInline @safe
struct ArenaBlock: @unchecked Sendable {
    @usableFromInline let record: UnsafeMutablePointer<Record>

    /// One cache line.
    @usableFromInline @safe
    struct Record {
        @usableFromInline let cut: Cut
        // A slab has no block in use when it goes.
        fileprivate let slab: Unmanaged<ArenaSlab>
        /// The shard of the thread that made the mapping; it stays as long as the arena.
        fileprivate var shard: UnsafeMutablePointer<ThreadShard<ArenaShard>>?
        fileprivate var next: UnsafeMutablePointer<Record>?
        fileprivate var site: BuildSite

        init(_ cut: Cut, in slab: ArenaSlab) {
            self.cut = cut
            unsafe self.slab = .passUnretained(slab)
            unsafe shard = nil
            unsafe next = nil
            site = slab.site
        }
    }

    init(_ record: UnsafeMutablePointer<Record>) {
        unsafe self.record = unsafe record
    }

    /// What the tracking knows of it.
    @inlinable @inline(__always)
    var cut: Cut { unsafe record.pointee.cut }

    /// The address of the first byte in this process.
    var address: UInt { unsafe slab.address(of: record) }

    /// What it is a part of.
    var slab: ArenaSlab { unsafe record.pointee.slab.takeUnretainedValue() }

    /// The bytes that are mapped or, of a block that is not, all of them.
    var memory: MemoryDescriptor {
        MemoryDescriptor(address: address, length: cut.isOpen ? Int(cut.length) : slab.size.bytes)
    }

    /// Where the last mapping was made of it.
    var site: BuildSite {
        get { unsafe record.pointee.site }
        nonmutating set { unsafe record.pointee.site = newValue }
    }

    fileprivate var next: ArenaBlock? {
        get { unsafe record.pointee.next.map { unsafe ArenaBlock($0) } }
        nonmutating set { unsafe record.pointee.next = unsafe newValue?.record }
    }
}

// MARK: Release

extension ArenaBlock {
    /// Makes a mapping of the block, from inside a shard if there is one.
    @inline(__always)
    func open(
        length: Int, _ site: BuildSite, in shard: UnsafeMutablePointer<ThreadShard<ArenaShard>>?
    ) {
        unsafe record.pointee.shard = unsafe shard
        self.site = site
        cut.open(length: UInt64(length))
    }

    /// Ends the mapping that was made of the block.
    @usableFromInline @inline(never)
    func release() {
        cut.close()
        if !restAtOnce() { restSlowly() }
    }

    /// Has a closed block rest where it came from, if that is the calling thread's shard and has room: the common case.
    @inline(__always)
    private func restAtOnce() -> Bool {
        guard let shard = unsafe record.pointee.shard, unsafe shard.pointee.enterAtOnce() else { return false }
        let size = unsafe record.pointee.slab._withUnsafeGuaranteedRef { $0.size }
        let kept = unsafe shard.pointee.content[size]
        let hasRoom = unsafe kept.pointee.resting.count < kept.pointee.restingLimit
        if hasRoom { unsafe kept.pointee.resting.append(self) }
        unsafe shard.pointee.leave()
        return hasRoom
    }

    @inline(never)
    private func restSlowly() {
        // Counting a reference: with its last block a closed arena goes, perhaps before this returns.
        let slab = slab
        slab.arena.rest(self, slab.size)
    }

    /// The same; `onReturned` is called when nothing uses the block any more.
    func release(_ onReturned: @escaping @Sendable () -> Void) {
        cut.close()
        slab.arena.handToReaper(self, onReturned)
    }

    /// Ends the mapping if nothing uses it, and otherwise leaves it as it was.
    func releaseIfIdle() -> ImmediateRelease {
        let arena = slab.arena
        let length = cut.length
        cut.close()
        guard arena.core.isIdle(cut.id) else {
            cut.reopen(length: length)
            let use = arena.core.use(of: cut.id)
            arena.adapter.help(cut.id)
            return .inUse(use)
        }
        var blocks = ArenaBlockList()
        blocks.append(self)
        arena.takeBack(&blocks)
        return .released
    }
}

/// Blocks in a row, linked through themselves: first in, first out, so that each rests as long as possible.
struct ArenaBlockList {
    private var first: ArenaBlock?
    /// Has a meaning only while there is a first one.
    private var last: ArenaBlock?
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    @inline(__always)
    mutating func append(_ block: ArenaBlock) {
        block.next = nil
        if first != nil { last!.next = block } else { first = block }
        last = block
        count &+= 1
    }

    @inline(__always)
    mutating func popFirst() -> ArenaBlock? {
        guard let block = first else { return nil }
        first = block.next
        count &-= 1
        return block
    }

    /// Takes out the blocks for which `isLeaving`, who has them then.
    mutating func removeAll(where isLeaving: (ArenaBlock) -> Bool) {
        var previous: ArenaBlock?
        var current = first
        while let block = current {
            current = block.next
            if !isLeaving(block) {
                previous = block
                continue
            }
            if let previous { previous.next = current } else { first = current }
            if current == nil { last = previous }
            count -= 1
        }
    }

    /// Takes the first block of a size out.
    mutating func removeFirst(of size: BlockSize) -> ArenaBlock? {
        var found: ArenaBlock?
        removeAll { block in
            guard found == nil, block.slab.size == size else { return false }
            found = block
            return true
        }
        return found
    }

    /// Appends all blocks of a list, and leaves it empty.
    mutating func append(_ other: inout ArenaBlockList) {
        guard let head = other.first else { return }
        if first != nil { last!.next = head } else { first = head }
        last = other.last
        count += other.count
        other = ArenaBlockList()
    }
}
