import Synchronization

/// Sees to it that a C object is destroyed exactly once.
///
/// Every owner of this module ends the same way. `close()` destroys the object and can be called
/// again when the verb refused, since the object is then still there; after a success it does
/// nothing. An owner that is dropped without a successful `close()` destroys its object itself; if
/// the verb refuses then, `ControlVerbs.abandoned` hears of it. Parents are kept alive by their
/// children, so order is wrong only where the kernel holds something more.
struct Lifetime: ~Copyable, Sendable {
    private enum State: UInt8, AtomicRepresentable {
        /// The object exists.
        case open
        /// One thread is inside the destroying verb.
        case closing
        /// The object is gone.
        case closed
    }

    private let state = Atomic(State.open)

    /// Destroys the object unless that has happened.
    ///
    /// - Throws: What the verb answered; the object is then open as before.
    func close(_ verb: Verb, _ destroy: () -> CInt) throws(VerbError) {
        // Acquiring and releasing, because the destroying thread has to see all that others did to
        // the object.
        let (exchanged, found) = state.compareExchange(
            expected: .open, desired: .closing, ordering: .acquiringAndReleasing)
        guard exchanged else {
            guard found == .closed else { fatalError("\(verb): closed by two threads at once") }
            return
        }
        let code = destroy()
        state.store(code == 0 ? .closed : .open, ordering: .releasing)
        try check(verb, code)
    }

    /// Destroys the object of an owner that is going away.
    func end(_ verb: Verb, _ verbs: ControlVerbs, _ destroy: () -> CInt) {
        do throws(VerbError) {
            try close(verb, destroy)
        } catch {
            verbs.abandoned(error)
        }
    }
}
