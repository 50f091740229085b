import Tracking
import Verbs

/// Unpins what was released, as soon as nothing uses it.
///
/// One thread for each adapter. It sleeps while nothing is released; while something is released but not idle it
/// looks again in growing intervals of at most half the adapter's deadline, and helps: it polls completion queues that nobody
/// polls, and posts a signaled request behind an unsignaled tail.
final class Reaper: Sendable {
    private static let shortestPause = Duration.microseconds(100)

    private struct Inbox {
        var released: [any Reapable] = []
        var errands: [@Sendable () -> Void] = []
        var isStopping = false
        /// Told to whoever stops the thread.
        var ending: Ending?
        /// Somebody waits for one of `released`.
        var isUrgent = false
        /// The thread will look by itself in time, so that a release need not wake it.
        var isTicking = false

        var isEmpty: Bool { released.isEmpty && errands.isEmpty }

        /// Hands everything over, and takes the room of an empty `batch` in return: a release allocates nothing.
        mutating func moveOut(to batch: inout Inbox) {
            swap(&released, &batch.released)
            swap(&errands, &batch.errands)
            batch.isStopping = isStopping
            isUrgent = false
            isTicking = false
        }
    }

    /// How far a thread came that was told to stop.
    private enum Ending {
        case finished
        /// The device refuses something. The thread goes on by itself until it does not.
        case refused
    }

    private let inbox: Monitor<Inbox>
    private let thread: WorkerThread

    /// Starts the thread.
    init(_ work: ReaperWork) throws(VerbError) {
        let inbox = Monitor(Inbox())
        self.inbox = inbox
        thread = try WorkerThread { Self.run(inbox, work, longestPause: work.unpinDeadline / 2) }
    }

    /// Hands a closed mapping over, or a closed block.
    ///
    /// - Complexity: one lock and, while the thread sleeps, one system call.
    func add(_ closed: some Reapable) {
        let isUrgent = closed.isAwaited
        let mustWake = inbox.withLock { inbox in
            let isFirst = inbox.isEmpty && !inbox.isTicking
            inbox.released.append(closed)
            if isUrgent { inbox.isUrgent = true }
            return isUrgent || isFirst
        }
        if mustWake { inbox.signal() }
    }

    /// Has `errand` run on the reaper's thread.
    func run(_ errand: @escaping @Sendable () -> Void) {
        inbox.withLock { $0.errands.append(errand) }
        inbox.signal()
    }

    /// Has the reaper look at once, rather than at the end of its pause.
    func wake() {
        inbox.withLock { $0.isUrgent = true }
        inbox.signal()
    }

    /// Ends the thread once everything handed over is unpinned, and waits for that unless the device refuses.
    func stop() {
        inbox.withLock { $0.isStopping = true }
        inbox.signal()
        guard !thread.isCurrent, case .finished = inbox.wait(until: { $0.ending }) else { return thread.detach() }
        thread.join()
    }

    // MARK: The thread

    private static func run(_ inbox: Monitor<Inbox>, _ work: ReaperWork, longestPause: Duration) {
        var work = work
        var batch = Inbox()
        var pause = shortestPause
        while true {
            fill(&batch, from: inbox, pause: work.isDone ? nil : pause)
            if batch.isStopping && batch.isEmpty && work.isDone && work.finish() { break }
            if batch.isStopping && work.isRefused { end(inbox, .refused) }
            batch.errands.forEach { $0() }
            work.add(batch.released)
            // Now, because what they hold may be all that keeps the adapter.
            batch.errands.removeAll(keepingCapacity: true)
            batch.released.removeAll(keepingCapacity: true)
            pause = work.advance() ? shortestPause : min(pause * 2, longestPause)
        }
        end(inbox, .finished)
    }

    private static func end(_ inbox: Monitor<Inbox>, _ ending: Ending) {
        inbox.withLock { $0.ending = ending }
        inbox.signal()
    }

    /// Sleeps until there is something new or, where there is something old to look at, for `pause`.
    private static func fill(_ batch: inout Inbox, from inbox: Monitor<Inbox>, pause: Duration?) {
        inbox.withLock { $0.isTicking = pause != nil }
        let news: Void? = inbox.wait(atMost: pause) { inbox in
            let hasNews = !inbox.errands.isEmpty || inbox.isUrgent
            guard hasNews || (pause == nil && (!inbox.isEmpty || inbox.isStopping)) else { return nil }
            inbox.moveOut(to: &batch)
        }
        if news == nil { inbox.withLock { $0.moveOut(to: &batch) } }
    }
}
