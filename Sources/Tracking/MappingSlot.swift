public import Synchronization

/// Everything that decides whether one mapping may go.
///
/// Two cache lines. What opens, closes and describes the mapping is in the first, and so is the fence of the queue that
/// used it first: a `Cut` that one queue uses, or none, is mapped and released by touching that line alone.
@usableFromInline
package struct MappingSlot: ~Copyable, Reusable {
    /// How many queues have a fence of their own; requests of any further queue are counted one by one.
    @usableFromInline static var fenceCount: Int { 4 }

    /// The logical address of the first byte, or `closed` whenever requests must not name the mapping.
    ///
    /// It contains the generation, so it never recurs soon: a request that finds it twice was at the same mapping.
    @usableFromInline package let base = Atomic<UInt64>(closed)

    /// The bytes that a request may name; zero while the mapping is closed.
    @usableFromInline let length = Atomic<UInt64>(0)

    /// The device's address of the first byte: the logical one, except in a `Cut`.
    @usableFromInline let device = Atomic<UInt64>(0)

    /// The key which the device knows the memory by.
    @usableFromInline let key = Atomic<UInt32>(0)

    /// Whether the device may write to the memory: 0 or 1.
    @usableFromInline let writable = Atomic<UInt32>(0)

    /// The slot's generation and stage in one word, so that only one of two releases can win.
    @usableFromInline let lifecycle = Atomic<UInt64>(0)

    /// Windows bound over the mapping: a peer's access is invisible here, so the window itself is the use.
    @usableFromInline let windows = Atomic<UInt32>(0)

    /// In a `Cut`: what its addresses are made of besides slot and generation.
    @usableFromInline var cutLayout = CutLayout()

    /// The last use by each of the first few queues.
    @usableFromInline package let fences = InlineArray<4, Fence> { _ in Fence() }

    /// What `base` is while a mapping that is no `Cut` is open.
    var address: UInt64 = 0

    /// Requests that complete in no order, and those of queues that found no fence free.
    @usableFromInline let counted = Atomic<UInt32>(0)

    private let nextFree = Atomic<UInt32>(0)

    @inlinable @inline(__always)
    static var closed: UInt64 { 1 << 63 }

    // MARK: Free

    var nextFreeIndex: UInt32 { nextFree.load(ordering: .relaxed) }

    func setNextFreeIndex(_ index: UInt32) { nextFree.store(index, ordering: .relaxed) }
}

/// The last position at which one queue used one mapping.
///
/// `queue` is taken once, by compare and exchange; `position` is written afterwards only by that queue's poster.
@usableFromInline
package struct Fence: ~Copyable {
    /// The `QueueID` of the owner; zero while nobody took the fence.
    @usableFromInline package let queue = Atomic<UInt64>(0)
    /// The position of the owner's last request that names the mapping.
    @usableFromInline package let position = Atomic<UInt64>(0)
}

// MARK: Life

/// Where a slot is in its life.
@usableFromInline
enum Stage: UInt64 {
    /// No mapping has it.
    case free
    /// Addresses are assigned; the memory is being registered.
    case reserved
    /// Requests may name it.
    case live
    /// Released by its owner, perhaps still in use.
    case closing
}

extension MappingSlot {
    /// Lets requests name the mapping.
    @inlinable @inline(__always)
    func open(_ id: MappingID, length bytes: UInt64, at address: UInt64) {
        length.store(bytes, ordering: .relaxed)
        base.store(address, ordering: .releasing)
        // Last: whoever closes a live mapping stores after this, not before.
        lifecycle.store(id.lifecycle(.live), ordering: .releasing)
    }

    /// Refuses the mapping to every later request; false if the slot is not live in this generation.
    ///
    /// - Parameters:
    ///   - id: the mapping; it may be stale.
    ///   - fence: true where posters fence for themselves: it is all the barrier there is before `isIdle` then.
    /// - Returns: false if the slot is not live in this generation.
    func close(_ id: MappingID, fence: Bool) -> Bool {
        let closing = lifecycle.compareExchange(
            expected: id.lifecycle(.live), desired: id.lifecycle(.closing), ordering: .acquiringAndReleasing)
        guard closing.exchanged else { return false }
        refuse()
        if fence { atomicMemoryFence(ordering: .sequentiallyConsistent) }
        return true
    }

    /// Has no request find the mapping any more.
    @inlinable @inline(__always)
    func refuse() {
        length.store(0, ordering: .relaxed)
        // After the length: no address at all, not even a forged one, finds a byte behind `closed`.
        base.store(Self.closed, ordering: .releasing)
    }
}

// MARK: Fences

extension MappingSlot {
    /// Takes a fence for a queue that has none here, and whose poster is inside its turnstile.
    ///
    /// - Returns: nil where open queues have taken all of them.
    package func claimFence(for queue: QueueID, in queues: QueueTable) -> Int? {
        for index in 0..<Self.fenceCount {
            let owner = fences[index].queue.load(ordering: .relaxed)
            guard !queues.isOpen(QueueID(raw: owner)) else { continue }
            let claim = fences[index].queue.compareExchange(
                expected: owner, desired: queue.raw, ordering: .acquiringAndReleasing)
            if claim.exchanged { return index }
        }
        return nil
    }

    /// Takes the fences of a mapping that nothing uses any more away from their queues.
    ///
    /// A poster may have found the mapping live, lost its processor, and claim a fence only now. Its position follows,
    /// and would overwrite that of the fence's next owner; such a fence stays with its queue and passes on to the
    /// slot's next mapping, where it is one like any other.
    func clearFences(in queues: QueueTable) {
        for index in 0..<Self.fenceCount {
            let owner = fences[index].queue.load(ordering: .acquiring)
            guard owner != 0, queues.posterHasLeft(QueueID(raw: owner)) else { continue }
            _ = fences[index].queue.compareExchange(
                expected: owner, desired: 0, ordering: .acquiringAndReleasing)
        }
    }
}
