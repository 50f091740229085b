public import Synchronization

/// Mutual exclusion between one owner, who passes all the time, and others, who pass rarely.
///
/// The owner pays two plain stores and a load. The store that says "I am inside" must be visible before the load that
/// asks "may I?"; that order is not paid here but by the others, who issue a barrier that the owner's thread takes
/// part in (`membarrier(2)`) between `hold` and `isOwnerInside`. Where the system has no such barrier the turnstile is
/// created with a fence of its own.
@usableFromInline
package struct Turnstile: ~Copyable {
    /// True from the owner's attempt to pass until it leaves.
    @usableFromInline let inside = Atomic<Bool>(false)
    /// One of `Gate`; changed by others than the owner only.
    @usableFromInline let gate = Atomic<UInt32>(Gate.open)
    /// Whether the owner pays for the barrier that nobody can issue on its behalf.
    @usableFromInline let ownerFences: Bool

    /// What keeps the owner out.
    @usableFromInline enum Gate {
        @usableFromInline static var open: UInt32 { 0 }
        @usableFromInline static var held: UInt32 { 1 }
        @usableFromInline static var shut: UInt32 { 2 }
    }

    /// What the owner found.
    @usableFromInline
    package enum Entry {
        /// It passed.
        case inside
        /// Somebody else is inside for a moment; try again.
        case held
        /// Nobody passes any more.
        case shut
    }

    /// - Parameter ownerFences: true where no barrier can be issued on the owner's behalf.
    package init(ownerFences: Bool) {
        self.ownerFences = ownerFences
    }

    // MARK: The owner

    /// Passes, unless the turnstile is held or shut.
    @inlinable @inline(__always)
    package func enter() -> Entry {
        inside.store(true, ordering: .relaxed)
        if ownerFences { atomicMemoryFence(ordering: .sequentiallyConsistent) }
        let found = gate.load(ordering: .acquiring)
        if found == Gate.open { return .inside }
        leave()
        return found == Gate.held ? .held : .shut
    }

    /// Leaves; everything done inside is visible to whoever sees that.
    @inlinable @inline(__always)
    package func leave() {
        inside.store(false, ordering: .releasing)
    }

    // MARK: Others

    /// Keeps the owner out from its next visit on.
    ///
    /// - Returns: false if another thread holds the turnstile, or it is shut.
    package func hold() -> Bool {
        let claim = gate.compareExchange(
            expected: Gate.open, desired: Gate.held, ordering: .sequentiallyConsistent)
        // With an owner that fences for itself, this is all the barrier there is before `isOwnerInside`.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        return claim.exchanged
    }

    /// Whether the owner is still inside a visit that began before the barrier.
    package var isOwnerInside: Bool {
        inside.load(ordering: .acquiring)
    }

    /// Lets the owner pass again.
    package func release() {
        gate.store(Gate.open, ordering: .releasing)
    }

    /// Keeps the owner out for good; called by the thread that holds the turnstile.
    package func shut() {
        gate.store(Gate.shut, ordering: .releasing)
    }

    /// Whether the owner was seen outside since this was called.
    ///
    /// "Yes" means that whatever the owner began before is over. A visit lasts nanoseconds; an owner that lost its
    /// processor inside makes the answer "no".
    func ownerHasLeft() -> Bool {
        for _ in 0..<100 where !isOwnerInside { return true }
        return false
    }
}
