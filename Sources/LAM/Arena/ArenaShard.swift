import Tracking

/// The blocks that one thread keeps to itself, so that it shares nothing while there are enough.
///
/// The thread passes the turnstile for each mapping that it makes or releases; whoever collects the blocks of all
/// threads holds it.
struct ArenaShard: ~Copyable {
    let turnstile: Turnstile
    private var kept = InlineArray<22, Kept>(repeating: Kept())

    /// Blocks of one size.
    struct Kept {
        /// Nothing uses these.
        var free = ArenaBlockList()
        /// These are released; whether anything uses them was not asked yet.
        var resting = ArenaBlockList()
        /// Twice a batch: more than these the thread does not keep.
        fileprivate(set) var restingLimit = 0
    }

    init(ownerFences: Bool) {
        turnstile = Turnstile(ownerFences: ownerFences)
        for index in kept.indices { kept[index].restingLimit = 2 * BlockSize(index: index).batch }
    }

    subscript(size: BlockSize) -> Kept {
        @inline(__always) get { kept[size.index] }
        @inline(__always) _modify { yield &kept[size.index] }
    }

    /// Takes all blocks out.
    mutating func drain(free: inout ArenaBlockList, resting: inout ArenaBlockList) {
        for index in kept.indices {
            free.append(&kept[index].free)
            resting.append(&kept[index].resting)
        }
    }
}
