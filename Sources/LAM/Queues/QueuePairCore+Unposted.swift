import Synchronization
import Tracking
import Verbs

extension QueuePairCore {
    /// Requests whose posts succeeded were refused by the device: what the user was promised failed.
    ///
    /// The first failure ends a queue pair, so that nothing posted later takes effect without them.
    func refuse(_ accepted: some Collection<Tracking.Request>) {
        guard !accepted.isEmpty else { return }
        unposted.withLock { $0 += accepted }
        noteFailure()
        // Where the end was noted before, it may also be over.
        adapter.errands.run { self.endPosting() }
    }

    /// Takes the deferred sends back. The caller has shut the send queue.
    func withdrawDeferred() {
        let count = deferredCount.exchange(0, ordering: .acquiringAndReleasing)
        guard count > 0 else { return }
        // One of them may have been the last signaled request.
        lastSignaled.store(0, ordering: .releasing)
        let deferred = marker.withLock { $0.withdraw(count) }
        unposted.withLock { $0 += deferred }
    }

    /// Delivers what the device will never see, in its place: after everything that the device flushes. Where that takes too
    /// long, as on a device that is gone, it waits for the end of the queue pair.
    func completeUnposted() {
        guard unposted.withLock({ !$0.isEmpty }) else { return }
        let queues = adapter.core.queues
        sendCompletions.drain(
            until: .now.advanced(by: Self.drainTime), isDone: { queues.outstanding(sendQueue) == 0 }, atEnd: {})
        if queues.outstanding(sendQueue) == 0 { deliverUnposted() }
    }

    /// Delivers it now: the device flushes nothing any more.
    func deliverUnposted() {
        let requests = unposted.withLock { requests in
            defer { requests = [] }
            return requests
        }
        guard !requests.isEmpty else { return }
        sendCompletions.deliver(
            requests.map { request in
                WorkCompletion(
                    identifier: request.context, status: .flushed,
                    operation: UInt32(RequestTag(rawValue: request.tag).operationNumber), queuePairNumber: number)
            })
    }
}
