import Synchronization
import Tracking

/// A queue pair that takes its receives from a shared receive queue.
extension QueuePairCore {
    /// The device is done with the shared receive queue for this queue pair.
    func noteLastReceive() {
        isLastReceiveReached.withLock { $0 = true }
        isLastReceiveReached.signal()
    }

    /// Waits until the device has completed what it took for this queue pair, which is in the error state.
    ///
    /// Destroying the queue pair before would lose a result: not the memory, which the shared receive queue keeps, but
    /// whoever waits for the receive. The device says when it is done (T17). rxe of Linux 6.1 does not, but is done in a
    /// moment.
    func awaitLastReceive() {
        guard let sharedReceives else { return }
        receiveCompletions.pollForUser()
        guard sharedReceives.requests.outstanding > 0 else { return }
        let patience = adapter.core.reportsLastReceives.load(ordering: .relaxed) ? Self.drainTime : Self.silentDrainTime
        _ = isLastReceiveReached.wait(atMost: patience, until: { $0 ? true : nil })
    }

    /// How long to wait for a device that has never said when it is done.
    private static var silentDrainTime: Duration { .milliseconds(100) }
}
