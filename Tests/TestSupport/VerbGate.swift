import Glibc
import Synchronization
package import Verbs

/// Holds threads up in the verb that deregisters memory, so that a test can look at what others do meanwhile.
package final class VerbGate: Sendable {
    private let isShut = Atomic<Bool>(false)
    private let waiting = Atomic<Int>(0)

    /// Creates an open gate.
    package init() {}

    /// From now on threads wait in the verb.
    package func shut() { isShut.store(true, ordering: .sequentiallyConsistent) }

    /// Lets them go on.
    package func open() { isShut.store(false, ordering: .sequentiallyConsistent) }

    /// How many threads wait.
    package var waitingCount: Int { waiting.load(ordering: .sequentiallyConsistent) }

    private func pass() {
        waiting.add(1, ordering: .sequentiallyConsistent)
        while isShut.load(ordering: .sequentiallyConsistent) { usleep(100) }
        waiting.subtract(1, ordering: .sequentiallyConsistent)
    }

    /// The same verbs behind this gate.
    package func guarding(_ verbs: ControlVerbs) -> ControlVerbs {
        var guarded = verbs
        let deregister = unsafe verbs.memory.deregisterRegion
        unsafe guarded.memory.deregisterRegion = { [self] region in
            pass()
            return unsafe deregister(region)
        }
        return guarded
    }
}
