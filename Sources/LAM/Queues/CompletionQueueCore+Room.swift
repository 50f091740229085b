import Tracking
import Verbs

/// Depth, and how often the device raises events.
extension CompletionQueueCore {
    /// How many completions it can hold.
    var depth: Int { queue.depth }

    /// Makes room for the requests of another queue, which all may complete at once when it fails.
    ///
    /// A completion queue that overflows loses completions (T25), so that it is enlarged beforehand.
    func reserve(_ count: Int) throws(AdapterError) {
        let limit = adapter.info.maxCompletionQueueDepth
        try reserved.withLock { (reserved) throws(AdapterError) in
            let needed = reserved + count
            try adapter.info.check("requests completing on one queue", needed, atMost: limit)
            if needed > queue.depth { try resizeDevice(to: needed) }
            reserved = needed
        }
    }

    /// Gives the room of a closed queue back.
    func unreserve(_ count: Int) {
        reserved.withLock { $0 -= count }
    }

    /// Has room for `depth` completions, or as many as the requests that may complete here.
    func resize(to depth: Int) throws(AdapterError) {
        try adapter.info.check("completion queue depth", depth, atMost: adapter.info.maxCompletionQueueDepth)
        try reserved.withLock { (reserved) throws(AdapterError) in
            let waiting = countWaiting()
            guard waiting <= depth else {
                throw .limitExceeded(what: "waiting completions", asked: waiting, limit: depth)
            }
            try resizeDevice(to: max(depth, reserved, 1))
        }
    }

    /// How many completions nobody has polled yet, silent successes not among them.
    private func countWaiting() -> Int {
        whileHeld { polling in
            if drainDevice(&polling) { notifier.wake() }
            return polling.pendingCount
        }
    }

    private func resizeDevice(to depth: Int) throws(AdapterError) {
        do throws(VerbError) { try queue.resize(depth: depth) } catch { throw AdapterError(error) }
    }
}
