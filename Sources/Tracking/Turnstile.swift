import Synchronization

/// Mutual exclusion between one owner, who passes all the time, and others, who pass rarely.
///
/// The owner pays two plain stores and a load. The store that says "I am inside" must be visible before the load that
/// asks "may I?"; that order is not paid here but by the others, who issue a barrier that the owner's thread takes
/// part in (`membarrier(2)`) between `hold` and `isOwnerInside`. Where the system has no such barrier the turnstile is
/// created with a fence of its own.
package struct Turnstile: ~Copyable {
    /// Odd while the owner is inside. A counter, so that a waiting thread can tell two visits apart.
    private let passes = Atomic<UInt64>(0)
    private let gate = Atomic<UInt32>(Gate.open.rawValue)
    private let ownerFences: Bool

    private enum Gate: UInt32 {
        case open, held, shut
    }

    /// What the owner found.
    package enum Entry {
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
    @inline(__always)
    package func enter() -> Entry {
        let pass = passes.load(ordering: .relaxed)
        passes.store(pass &+ 1, ordering: .relaxed)
        if ownerFences { atomicMemoryFence(ordering: .sequentiallyConsistent) }
        let found = gate.load(ordering: .acquiring)
        if found == Gate.open.rawValue { return .inside }
        passes.store(pass &+ 2, ordering: .releasing)
        return found == Gate.held.rawValue ? .held : .shut
    }

    /// Leaves; everything done inside is visible to whoever enters next.
    @inline(__always)
    package func leave() {
        passes.store(passes.load(ordering: .relaxed) &+ 1, ordering: .releasing)
    }

    // MARK: Others

    /// Keeps the owner out from its next visit on.
    ///
    /// - Returns: false if another thread holds the turnstile, or it is shut.
    package func hold() -> Bool {
        gate.compareExchange(
            expected: Gate.open.rawValue, desired: Gate.held.rawValue, ordering: .acquiring
        ).exchanged
    }

    /// Whether the owner is still inside a visit that began before the barrier.
    package var isOwnerInside: Bool {
        passes.load(ordering: .acquiring) & 1 == 1
    }

    /// Lets the owner pass again.
    package func release() {
        gate.store(Gate.open.rawValue, ordering: .releasing)
    }

    /// Keeps the owner out for good; called by the thread that holds the turnstile.
    package func shut() {
        gate.store(Gate.shut.rawValue, ordering: .releasing)
    }

    /// Whether the owner has been outside at some moment since this was called.
    ///
    /// Asked after a barrier, "yes" means that whatever the owner does from now on, it does knowing what was stored
    /// before the barrier. A visit lasts nanoseconds; an owner that lost its processor inside makes the answer "no".
    func ownerHasLeft() -> Bool {
        let first = passes.load(ordering: .acquiring)
        guard first & 1 == 1 else { return true }
        for _ in 0..<1000 where passes.load(ordering: .acquiring) != first { return true }
        return false
    }
}
