/// Calls the owner of an object, one call at a time, until the owner gives the object up.
final class Telling<Notification>: Sendable {
    private struct State {
        var isOver = false
        var isCalling = false
    }

    private let notify: (@Sendable (Notification) -> Void)?
    private let state = Monitor(State())

    init(_ notify: (@Sendable (Notification) -> Void)?) {
        self.notify = notify
    }

    /// Whether there is somebody to be called.
    var hasListener: Bool { notify != nil }

    /// Calls the owner. On one thread only, which makes it one call at a time.
    func tell(_ notification: Notification) {
        let isWanted = state.withLock { state in
            state.isCalling = !state.isOver
            return state.isCalling
        }
        guard isWanted else { return }
        notify?(notification)
        state.withLock { $0.isCalling = false }
        state.signal()
    }

    /// Sees to it that no call begins any more; one may be going on.
    func end() {
        state.withLock { $0.isOver = true }
    }

    /// Waits for a call that is going on; not from inside of it.
    func awaitEnd() {
        _ = state.wait(until: { $0.isCalling ? nil : true })
    }
}
