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
    @usableFromInline let gate: Atomic<UInt32>
    /// What the gate is while the owner may pass and nobody else was inside: `open` or `fenced`.
    private let openGate: UInt32

    /// What keeps the owner out.
    @usableFromInline enum Gate {
        @usableFromInline static var open: UInt32 { 0 }
        @usableFromInline static var held: UInt32 { 1 }
        @usableFromInline static var shut: UInt32 { 2 }
        /// Open, but somebody else was inside since the owner's last visit.
        @usableFromInline static var released: UInt32 { 3 }
        /// Open, for an owner that fences for itself.
        @usableFromInline static var fenced: UInt32 { 4 }
        /// Closed to the owner for the time being.
        @usableFromInline static var barred: UInt32 { 5 }
    }

    /// What the owner found.
    @usableFromInline
    package enum Entry {
        /// It passed.
        case inside
        /// The owner passed, and others were inside since its last visit.
        case insideAfterOthers
        /// Somebody else is inside for a moment; try again.
        case held
        /// The owner does not pass for the time being.
        case barred
        /// Nobody passes any more.
        case shut
    }

    /// - Parameter ownerFences: true where no barrier can be issued on the owner's behalf.
    package init(ownerFences: Bool) {
        openGate = ownerFences ? Gate.fenced : Gate.open
        gate = Atomic(openGate)
    }

    // MARK: The owner

    /// Passes, unless the turnstile is held or shut.
    @inlinable @inline(__always)
    package func enter() -> Entry {
        inside.store(true, ordering: .relaxed)
        let found = gate.load(ordering: .acquiring)
        if found == Gate.open { return .inside }
        return enterSlowly(found)
    }

    /// Passes if nobody else was inside since the last visit, and no fence is needed.
    ///
    /// - Returns: false if `enter` must be asked; the owner is outside then.
    @inlinable @inline(__always)
    package func enterAtOnce() -> Bool {
        inside.store(true, ordering: .relaxed)
        if gate.load(ordering: .acquiring) == Gate.open { return true }
        leave()
        return false
    }

    @usableFromInline @inline(never)
    func enterSlowly(_ found: UInt32) -> Entry {
        var found = found
        if found == Gate.fenced {
            atomicMemoryFence(ordering: .sequentiallyConsistent)
            found = gate.load(ordering: .acquiring)
            if found == Gate.fenced { return .inside }
        }
        // Releasing, too: who holds the gate next sees that the owner is inside.
        if found == Gate.released,
            gate.compareExchange(expected: found, desired: openGate, ordering: .acquiringAndReleasing).exchanged
        {
            return .insideAfterOthers
        }
        leave()
        switch found {
        case Gate.shut: return .shut
        case Gate.barred: return .barred
        default: return .held
        }
    }

    /// Leaves; everything done inside is visible to whoever sees that.
    @inlinable @inline(__always)
    package func leave() {
        inside.store(false, ordering: .releasing)
    }

    // MARK: Others

    /// Keeps the owner out from its next visit on.
    ///
    /// - Parameter evenIfBarred: for who shuts it next; `release` would unbar it.
    /// - Returns: false if another thread holds the turnstile, or it is barred or shut.
    package func hold(evenIfBarred: Bool = false) -> Bool {
        let isHeld = move(to: Gate.held, evenIfBarred: evenIfBarred)
        // With an owner that fences for itself, this is all the barrier there is before `isOwnerInside`.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        return isHeld
    }

    /// Keeps the owner out for the time being, from its next visit on; while somebody holds the turnstile, does nothing.
    package func bar() {
        _ = move(to: Gate.barred, evenIfBarred: false)
    }

    /// Ends what `bar` began.
    package func unbar() {
        _ = gate.compareExchange(
            expected: Gate.barred, desired: Gate.released, ordering: .sequentiallyConsistent)
    }

    /// Takes the gate from where it lets the owner pass; the owner may move it meanwhile from one such state to another.
    private func move(to next: UInt32, evenIfBarred: Bool) -> Bool {
        var found = gate.load(ordering: .relaxed)
        while found == openGate || found == Gate.released || evenIfBarred && found == Gate.barred {
            let moved = gate.compareExchange(expected: found, desired: next, ordering: .sequentiallyConsistent)
            if moved.exchanged { return true }
            found = moved.original
        }
        return false
    }

    /// Whether the owner is still inside a visit that began before the barrier.
    package var isOwnerInside: Bool {
        inside.load(ordering: .acquiring)
    }

    /// Lets the owner pass again, who hears that somebody was inside.
    package func release() {
        gate.store(Gate.released, ordering: .releasing)
    }

    /// Keeps the owner out for good; called by the thread that holds the turnstile.
    package func shut() {
        gate.store(Gate.shut, ordering: .releasing)
    }

    /// Whether nobody passes any more.
    package var isShut: Bool { gate.load(ordering: .acquiring) == Gate.shut }

    /// Whether the owner was seen outside since this was called.
    ///
    /// "Yes" means that whatever the owner began before is over. A visit lasts nanoseconds; an owner that lost its
    /// processor inside makes the answer "no".
    func ownerHasLeft() -> Bool {
        for _ in 0..<100 where !isOwnerInside { return true }
        return false
    }
}
