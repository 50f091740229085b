package import Verbs

/// A thread for what may take a while: ending the queue pairs and windows of an adapter, which a device can be slow to
/// give up.
///
/// Apart from the reaper, whose promise to unpin in time must not wait for it.
package final class ErrandThread: Sendable {
    private struct Inbox {
        var errands: [@Sendable () -> Void] = []
        var isStopping = false
    }

    private let inbox: Monitor<Inbox>
    private let thread: WorkerThread

    /// Starts the thread.
    package init() throws(VerbError) {
        let inbox = Monitor(Inbox())
        self.inbox = inbox
        thread = try WorkerThread {
            while let errands = Self.next(inbox) { errands.forEach { $0() } }
        }
    }

    /// Has `errand` run after those handed over before it.
    package func run(_ errand: @escaping @Sendable () -> Void) {
        inbox.withLock { $0.errands.append(errand) }
        inbox.signal()
    }

    /// Ends the thread once everything handed over is done.
    package func stop() {
        inbox.withLock { $0.isStopping = true }
        inbox.signal()
        thread.join()
    }

    /// - Returns: nil when the thread is to end.
    private static func next(_ inbox: Monitor<Inbox>) -> [@Sendable () -> Void]? {
        inbox.wait { inbox -> [@Sendable () -> Void]?? in
            guard inbox.errands.isEmpty else {
                defer { inbox.errands = [] }
                return .some(inbox.errands)
            }
            return inbox.isStopping ? .some(nil) : .none
        } ?? nil
    }
}
