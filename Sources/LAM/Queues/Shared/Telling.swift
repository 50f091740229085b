/// Calls the owner of an object, one call at a time, until the owner gives the object up.
final class Telling: Sendable {
    private struct State {
        var isOver = false
        var isCalling = false
    }

    private let notify: (@Sendable (SharedReceiveQueueNotification) -> Void)?
    private let state = Monitor(State())

    init(_ notify: (@Sendable (SharedReceiveQueueNotification) -> Void)?) {
        self.notify = notify
    }

    /// Calls the owner. On the thread of events only, which makes it one call at a time.
    func tell(_ notification: SharedReceiveQueueNotification) {
        let isWanted = state.withLock { state in
            state.isCalling = !state.isOver
            return state.isCalling
        }
        guard isWanted else { return }
        notify?(notification)
        state.withLock { $0.isCalling = false }
        state.signal()
    }

    /// Sees to it that no call begins any more, and that none is going on, unless this is inside one.
    func end(unlessOn events: EventThread) {
        state.withLock { $0.isOver = true }
        guard !events.isCurrent else { return }
        _ = state.wait(until: { $0.isCalling ? nil : true })
    }
}
