package import Verbs

/// A thread for what may take a while, one after the other: ending the queue pairs and windows of an adapter, which a
/// device can be slow to give up, or calling users; and for what is to be done at a time.
///
/// Apart from the reaper, whose promise to unpin in time must not wait for it, and from each other.
package final class ErrandThread: Sendable {
    private struct Inbox {
        var errands: [@Sendable () -> Void] = []
        var timetable = Timetable()
        var isStopping = false

        /// Hands over what is to be done now.
        mutating func takeDue() -> [@Sendable () -> Void] {
            defer { errands = [] }
            return errands + timetable.takeDue(at: .now).map(\.body)
        }
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

    /// Has `errand` run after a time. What it needs it must keep, so that the thread does not end before.
    func run(after delay: Duration, _ errand: @escaping @Sendable () -> Void) {
        add(Alarm(at: .now.advanced(by: delay), errand))
    }

    /// Has an alarm's errand run at its time, unless it is called off or the thread ends before.
    func add(_ alarm: Alarm) {
        inbox.withLock { $0.timetable.add(alarm) }
        inbox.signal()
    }

    /// Forgets an alarm; its errand may be running.
    func callOff(_ alarm: Alarm) {
        inbox.withLock { $0.timetable.callOff(alarm) }
    }

    /// Ends the thread once everything handed over is done; alarms are not waited for.
    package func stop() {
        inbox.withLock { $0.isStopping = true }
        inbox.signal()
        thread.join()
    }

    /// - Returns: nil when the thread is to end.
    private static func next(_ inbox: Monitor<Inbox>) -> [@Sendable () -> Void]? {
        while true {
            let nextTime = inbox.withLock { $0.timetable.nextTime }
            let found = inbox.wait(before: nextTime) { inbox -> [@Sendable () -> Void]?? in
                let due = inbox.takeDue()
                if !due.isEmpty { return .some(due) }
                if inbox.isStopping { return .some(nil) }
                // An earlier alarm than the one that is waited for.
                return inbox.timetable.nextTime == nextTime ? .none : .some([])
            }
            if let found { return found }
        }
    }
}
