import Synchronization
import Tracking
import Verbs

/// What completions tell beside their results. All of it is rare.
extension CompletionQueueCore {
    /// A request failed, or binds or invalidates something.
    ///
    /// - Returns: whether it is a receive whose message invalidated something.
    @inline(never)
    func noteSpecial(_ queue: QueueID, _ entry: WorkCompletion, _ tag: RequestTag, isSuccess: Bool) -> Bool {
        guard !queue.isShared else { return noteSpecial(ofShared: queue, entry, isSuccess: isSuccess) }
        let pair = adapter.core.queuePair(owning: queue)
        if tag.concernsBinding { pair?.bindingOperationEnded(WireID(raw: entry.identifier), isSuccess: isSuccess) }
        guard isSuccess else {
            pair?.noteFailure()
            return false
        }
        guard tag.operation == .receive, entry.mayInvalidate else { return false }
        return pair?.peerInvalidated(entry.invalidatedKeyOrImmediate) ?? false || entry.invalidates
    }

    /// The same of a receive of a shared receive queue: only the number says whose message took it.
    ///
    /// A queue pair that is being closed may have the number that a new one got already (T16). A failure is then that of
    /// the former, which needs no telling; an invalidated key belongs to one window, and so to one of the two.
    private func noteSpecial(ofShared queue: QueueID, _ entry: WorkCompletion, isSuccess: Bool) -> Bool {
        let pairs = adapter.core.queuePairs(numbered: entry.queuePairNumber, receivingFrom: queue)
        guard isSuccess else {
            if !pairs.contains(where: \.hasEnded) { pairs.first?.noteFailure() }
            return false
        }
        return pairs.contains { $0.peerInvalidated(entry.invalidatedKeyOrImmediate) } || entry.invalidates
    }

    /// A shared receive queue has fewer receives left than its owner wants to hear of.
    @inline(never)
    func noteLow(_ queue: QueueID) {
        adapter.core.sharedReceiveQueue(queue)?.tellLow()
    }

    /// A completion names no request that is outstanding.
    @inline(never)
    func noteStray() {
        adapter.core.noteStrayCompletion()
    }

    /// The device answered a poll with a failure.
    @inline(never)
    func noteFailedPoll() {
        adapter.core.noteFailedPoll()
    }
}
