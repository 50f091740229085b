import Tracking
import Verbs

/// What was closed, and goes when nothing uses it any more: a registration, or a block of an arena.
protocol Reapable: AnyObject, Sendable {
    /// The closed mapping.
    var id: MappingID { get }
    /// Whether somebody waits for it.
    var isAwaited: Bool { get }
    /// Lets it go, now that nothing uses it.
    ///
    /// - Throws: the device's refusal; it is as it was, to be tried again.
    func reap(in core: AdapterCore) throws(VerbError)
}

extension Registration: Reapable {
    var isAwaited: Bool { onUnpinned != nil }

    func reap(in core: AdapterCore) throws(VerbError) {
        try core.deregister(self)
    }
}
