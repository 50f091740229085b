import Tracking
import Verbs

/// How much a completion queue must be able to hold.
struct Room {
    /// What its user asked for.
    var asked: Int
    /// The requests of all queues that complete there, which all may complete at once.
    var reserved = 0
}

/// Depth, and how often the device raises events.
extension CompletionQueueCore {
    /// How many completions it can hold.
    var depth: Int { queue.depth }

    /// Makes room for the requests of another queue, which all may complete at once when it fails.
    ///
    /// A completion queue that overflows loses completions (T25), so that it is enlarged beforehand.
    func reserve(_ count: Int) throws(AdapterError) {
        let limit = adapter.info.maxCompletionQueueDepth
        try room.withLock { (room) throws(AdapterError) in
            let needed = room.reserved + count
            try adapter.info.check("requests completing on one queue", needed, atMost: limit)
            if needed > queue.depth { try resizeDevice(to: needed) }
            room.reserved = needed
        }
    }

    /// Gives the room of a closed queue back.
    func unreserve(_ count: Int) {
        room.withLock { $0.reserved -= count }
    }

    private func resizeDevice(to depth: Int) throws(AdapterError) {
        do throws(VerbError) { try queue.resize(depth: depth) } catch { throw AdapterError(error) }
    }
}
