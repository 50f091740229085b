import Glibc
import Synchronization
import Tracking
import Verbs

/// What others than the user do with a completion queue: the reaper, those that close queue pairs, and its notifier.
extension CompletionQueueCore {
    /// Polls in the user's stead, unless somebody polls at this moment.
    func pollForUser() {
        guard turnstile.hold() else { return }
        defer { turnstile.release() }
        adapter.core.barrier?.issue()
        if !turnstile.isOwnerInside {
            let isDue = unsafe drainDevice(&polling.pointee)
            if isDue { notifier.wake() }
        }
    }

    /// Polls until `isDone` or the deadline, whatever the user does; `atEnd` then runs while nobody polls.
    func drain(until deadline: MonotonicTime, isDone: () -> Bool, atEnd: () -> Void) {
        whileHeld { polling in
            var isDue = drainDevice(&polling)
            while !isDone(), failure == nil, MonotonicTime.now < deadline {
                usleep(100)
                if drainDevice(&polling) { isDue = true }
            }
            if isDue { notifier.wake() }
            atEnd()
        }
    }

    /// Delivers completions that the device does not know of.
    func deliver(_ completions: [WorkCompletion]) {
        whileHeld { polling in
            drainDevice(&polling)
            for completion in completions { polling.append(completion) }
        }
        wakeUp.ring()
        notifier.wake()
    }

    /// Runs `body` while nobody polls and nobody arms.
    func whileHeld<Result>(_ body: (inout PolledCompletions) -> Result) -> Result {
        while !turnstile.hold() { sched_yield() }
        defer { turnstile.release() }
        adapter.core.barrier?.issue()
        while turnstile.isOwnerInside { sched_yield() }
        return unsafe body(&polling.pointee)
    }

    /// Keeps for the user what the device has.
    ///
    /// - Returns: whether there is now something to notify of, and was not before.
    @discardableResult
    func drainDevice(_ polling: inout PolledCompletions) -> Bool {
        let before = polling.pendingCount
        let wasDue = polling.arming.isDue
        while take({ (target) throws(VerbError) in try polling.buffer.poll(target) }) > 0 {
            for index in 0..<polling.buffer.count {
                if let completion = retire(polling.buffer[index]) { polling.append(completion) }
            }
        }
        if polling.pendingCount > before { wakeUp.ring() }
        return polling.arming.isDue && !wasDue
    }
}
