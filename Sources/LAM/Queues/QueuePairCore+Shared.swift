import Glibc
import Synchronization
import Verbs

/// A queue pair that takes its receives from a shared receive queue.
extension QueuePairCore {
    /// The device is done with the shared receive queue for this queue pair.
    func noteLastReceive() {
        isLastReceiveReached.store(true, ordering: .releasing)
    }

    /// Waits until the device has completed what it took for this queue pair, which is in the error state.
    ///
    /// Destroying the queue pair before would lose a result: not the memory, which the shared receive queue keeps, but
    /// whoever waits for the receive. The device says when it is done (T17). rxe of Linux 6.1 does not, but is done in a
    /// moment.
    func awaitLastReceive() {
        guard let sharedReceives else { return }
        let patience = adapter.core.reportsLastReceives.load(ordering: .relaxed) ? Self.drainTime : Self.silentDrainTime
        let deadline = MonotonicTime.now.advanced(by: patience)
        while !isLastReceiveReached.load(ordering: .acquiring), sharedReceives.outstanding > 0,
            MonotonicTime.now < deadline
        {
            usleep(200)
            receiveCompletions.pollForUser()
        }
    }

    /// How long to wait for a device that has never said when it is done.
    private static var silentDrainTime: Duration { .milliseconds(100) }
}
