import CRDMA
import Glibc
import Synchronization
package import Verbs

/// Keeps events of the device from being read, so that a test can do something before.
package final class EventGate: Sendable {
    private let isOpen = Atomic(true)

    /// Creates an open gate.
    package init() {}

    /// Nothing is read from now on.
    package func shut() { isOpen.store(false, ordering: .sequentiallyConsistent) }

    /// Everything is read.
    package func open() { isOpen.store(true, ordering: .sequentiallyConsistent) }

    /// The same verbs behind this gate.
    package func guarding(_ verbs: ControlVerbs) -> ControlVerbs {
        var guarded = verbs
        let getEvent = unsafe verbs.devices.getEvent
        unsafe guarded.devices.getEvent = { [self] context, event in
            while !isOpen.load(ordering: .sequentiallyConsistent) { usleep(100) }
            return unsafe getEvent(context, event)
        }
        return guarded
    }
}
