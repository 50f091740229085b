import Synchronization

/// The last position at which one queue used one mapping.
///
/// `queue` is taken once, by compare and exchange; `position` is written afterwards only by that queue's poster.
struct Fence: ~Copyable {
    let queue = Atomic<UInt64>(0)
    let position = Atomic<UInt64>(0)
}

/// Everything that decides whether one mapping may go.
struct MappingSlot: ~Copyable {
    /// How many queues have a fence of their own; requests of any further queue are counted one by one.
    static var fenceCount: Int { 4 }

    /// The logical address of the first byte. It contains the generation, so it never recurs soon.
    let base = Atomic<UInt64>(0)

    /// The bytes that a request may name; zero whenever requests must not name the mapping at all.
    let length = Atomic<UInt64>(0)

    /// The key which the device knows the memory by.
    let key = Atomic<UInt32>(0)

    /// Windows bound over the mapping: a peer's access is invisible here, so the window itself is the use.
    let windows = Atomic<UInt32>(0)

    /// Requests of queues that found no fence free.
    let counted = Atomic<UInt32>(0)

    let fences = InlineArray<4, Fence> { _ in Fence() }

    /// The slot's generation and stage in one word, so that only one of two releases can win.
    let lifecycle = Atomic<UInt64>(0)

    /// The next slot in the list of free ones; only the table's lock holder looks at it.
    var nextFree: UInt32 = 0
}

/// Where a slot is in its life.
enum Stage: UInt64 {
    case free
    /// Addresses are assigned; the memory is being registered.
    case reserved
    /// Requests may name it.
    case live
    /// Released by its owner, perhaps still in use.
    case closing
}

extension MappingID {
    /// What `lifecycle` holds while the mapping is in `stage`.
    func lifecycle(_ stage: Stage) -> UInt64 {
        UInt64(generation) << 2 | stage.rawValue
    }
}

/// Names one mapping for the whole life of its table: a slot is used again, an identifier is not.
package struct MappingID: Hashable, Sendable {
    package let slot: UInt32
    package let generation: UInt32
}
