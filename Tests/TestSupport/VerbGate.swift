import Glibc
import Synchronization
package import Verbs

/// Holds one thread up in a verb, so that a test can look at what others do meanwhile.
package final class VerbGate: Sendable {
    private enum State: UInt8, AtomicRepresentable {
        case open, shut, occupied
    }

    private let state = Atomic(State.open)

    /// Creates an open gate.
    package init() {}

    /// The next thread that comes waits in the verb.
    package func shut() { state.store(.shut, ordering: .sequentiallyConsistent) }

    /// Lets it go on.
    package func open() { state.store(.open, ordering: .sequentiallyConsistent) }

    /// Whether a thread waits.
    package var isOccupied: Bool { state.load(ordering: .sequentiallyConsistent) == .occupied }

    private func pass() {
        let (isFirst, _) = state.compareExchange(
            expected: .shut, desired: .occupied, ordering: .sequentiallyConsistent)
        while isFirst, isOccupied { usleep(100) }
    }

    /// The same verbs, of which the one that registers memory is behind this gate.
    package func guardingRegistration(_ verbs: ControlVerbs) -> ControlVerbs {
        var guarded = verbs
        let register = unsafe verbs.memory.registerRegion
        unsafe guarded.memory.registerRegion = { [self] domain, base, length, address, access, region in
            pass()
            return unsafe register(domain, base, length, address, access, region)
        }
        return guarded
    }

    /// The same verbs, of which the one that acknowledges an event of the device passes this gate when it is done.
    package func followingAcknowledgement(_ verbs: ControlVerbs) -> ControlVerbs {
        var guarded = verbs
        let acknowledge = unsafe verbs.devices.acknowledgeEvent
        unsafe guarded.devices.acknowledgeEvent = { [self] event in
            unsafe acknowledge(event)
            pass()
        }
        return guarded
    }

    /// The same verbs, of which the one that destroys a shared receive queue passes this gate when it is done.
    package func followingSharedDestruction(_ verbs: ControlVerbs) -> ControlVerbs {
        var guarded = verbs
        let destroy = unsafe verbs.queues.destroySharedQueue
        unsafe guarded.queues.destroySharedQueue = { [self] queue in
            defer { pass() }
            return unsafe destroy(queue)
        }
        return guarded
    }

    /// The same verbs, of which the one that destroys a queue pair is behind this gate.
    package func guarding(_ verbs: ControlVerbs) -> ControlVerbs {
        var guarded = verbs
        let destroy = unsafe verbs.queues.destroyQueuePair
        unsafe guarded.queues.destroyQueuePair = { [self] queuePair in
            pass()
            return unsafe destroy(queuePair)
        }
        return guarded
    }
}
