import Tracking
import Verbs

/// What was closed, and goes when nothing uses it any more: a registration, or a block of an arena.
protocol Reapable: AnyObject, Sendable {
    /// The closed mapping.
    var id: MappingID { get }
    /// Whether somebody waits for it.
    var isAwaited: Bool { get }
    /// Something used it still at a certain moment.
    func noteUse(at time: MonotonicTime)
    /// Lets it go, now that nothing uses it.
    ///
    /// - Throws: the device's refusal; it is as it was, to be tried again.
    func reap(in core: AdapterCore) throws(VerbError)
}

extension Reapable {
    /// Of memory that stays pinned nobody asks since when nothing uses it.
    func noteUse(at time: MonotonicTime) {}
}

extension Registration: Reapable {
    var isAwaited: Bool { onUnpinned != nil }

    func noteUse(at time: MonotonicTime) { lastUse = time }

    func reap(in core: AdapterCore) throws(VerbError) {
        try core.deregister(self)
    }
}
