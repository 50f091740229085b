/// The blocks that one thread keeps to itself, so that it shares nothing while there are enough.
@safe
struct ArenaShard: ~Copyable {
    private let kept: UnsafeMutablePointer<Kept>

    /// Blocks of one size.
    struct Kept {
        /// Nothing uses these.
        var free = ArenaBlockList()
        /// These are released; whether anything uses them was not asked yet.
        var resting = ArenaBlockList()
        /// Twice a batch: more than these the thread does not keep.
        let restingLimit: Int
    }

    init() {
        unsafe kept = .allocate(capacity: BlockSize.count)
        for index in 0..<BlockSize.count {
            unsafe (kept + index).initialize(to: Kept(restingLimit: 2 * BlockSize(index: index).batch))
        }
    }

    deinit {
        unsafe kept.deinitialize(count: BlockSize.count)
        unsafe kept.deallocate()
    }

    /// The blocks of a size, for whoever is inside.
    subscript(size: BlockSize) -> UnsafeMutablePointer<Kept> {
        @inline(__always) get { unsafe kept + size.index }
    }

    /// Takes all blocks out.
    func drain(free: inout ArenaBlockList, resting: inout ArenaBlockList) {
        for index in 0..<BlockSize.count {
            unsafe free.append(&kept[index].free)
            unsafe resting.append(&kept[index].resting)
        }
    }
}
