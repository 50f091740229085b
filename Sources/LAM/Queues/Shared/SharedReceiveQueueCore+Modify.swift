import Synchronization
import Tracking
import Verbs

/// Depth and threshold.
extension SharedReceiveQueueCore {
    /// `NdkModifySrq`.
    func modify(depth: Int, threshold: Int) throws(AdapterError) {
        if depth != 0 {
            try control.withLock { (control) throws(AdapterError) in try resize(&control, to: depth) }
        }
        guard threshold != 0 else { return }
        try arm(below: threshold)
        // The device tells only what happens from now on, and what happened before may not have been polled.
        pollForUsers()
        if requests.isLow() { tellLow() }
    }

    /// Asks the device and the count of this side for a notification.
    func arm(below threshold: Int) throws(AdapterError) {
        try control.withLock { (control) throws(AdapterError) in
            try adapter.info.check("notification threshold", threshold, atMost: control.depth)
            do throws(VerbError) { try sharedQueue.arm(below: threshold) } catch { throw AdapterError(error) }
            requests.arm(below: threshold)
        }
    }

    private func resize(_ control: inout Control, to depth: Int) throws(AdapterError) {
        try Self.check(depth, adapter.info)
        try reserveMore(&control, depth)
        // Before the device has less room, nothing is posted that would not find any.
        if depth < control.depth { requests.setDepth(depth) }
        do throws(AdapterError) {
            try adapter.info.check("posted receives", requests.outstanding, atMost: depth)
            do throws(VerbError) { try sharedQueue.resize(depth: depth) } catch { throw AdapterError(error) }
        } catch {
            requests.setDepth(control.depth)
            throw error
        }
        requests.setDepth(depth)
        control.depth = depth
    }

    /// Has every completion queue concerned take as many receives as there can be.
    private func reserveMore(_ control: inout Control, _ depth: Int) throws(AdapterError) {
        let missing = depth - control.reservedDepth
        guard missing > 0 else { return }
        var enlarged: [CompletionQueueCore] = []
        for (completions, _) in control.completionQueues.values {
            do throws(AdapterError) { try completions.reserve(missing) } catch {
                for completions in enlarged { completions.unreserve(missing) }
                throw error
            }
            enlarged.append(completions)
        }
        control.reservedDepth = depth
    }
}

/// What the owner is told.
extension SharedReceiveQueueCore {
    /// A completion left fewer receives than the owner wants to hear of.
    func tellLow() {
        adapter.events.run { self.telling.tell(.runsLow) }
    }

    /// The device says that the queue runs low. Called on the thread of events.
    func noteLimitReached() {
        let isLow = control.withLock { control in
            guard !control.isDestroyed else { return false }
            // It may have said so of a threshold that was replaced meanwhile; then it is still armed.
            let limit = try? sharedQueue.armedLimit()
            return (limit ?? 0) == 0 && requests.disarm()
        }
        if isLow { telling.tell(.runsLow) }
    }

    /// The device says that the queue failed. Called on the thread of events.
    func noteFailure() {
        guard !hasFailed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        for pair in adapter.core.queuePairs where pair.sharedReceives === self { pair.noteFailure() }
        telling.tell(.failed)
    }
}
