import Glibc
import Synchronization
import Tracking
import Verbs

/// A shared receive queue as the threads share it: its user's, those of its queue pairs, and the events'.
///
/// It is there as long as its owner or one of its queue pairs.
final class SharedReceiveQueueCore: Sendable {
    let adapter: Adapter
    let sharedQueue: Verbs.SharedReceiveQueue
    let requests: SharedQueue
    let number: Int
    let elements: Int
    /// Whether the device gave it up.
    let hasFailed = Atomic<Bool>(false)
    /// Held while the verbs' object is changed, so that its events can be told from those before the change.
    let control: Monitor<Control>
    let telling: Telling<SharedReceiveQueueNotification>

    /// What is known about the verbs' object and who uses it.
    struct Control {
        var depth: Int
        /// What each of `completionQueues` can take of this queue; it does not become less.
        var reservedDepth: Int
        /// Where receives complete, and for how many queue pairs.
        var completionQueues: [ObjectIdentifier: (core: CompletionQueueCore, count: Int)] = [:]
        /// Their numbers by their send queues: a number is used again before everybody has heard that it is free.
        var queuePairs: [QueueID: UInt32] = [:]
        /// Whether the owner still has it.
        var isOwned = true
        /// Whether the verbs' object is gone; whoever else than the owner calls a verb of it asks before.
        var isDestroyed = false
        var isGone = false
    }

    init(
        adapter: Adapter, depth: Int, elements: Int, notify: (@Sendable (SharedReceiveQueueNotification) -> Void)?
    ) throws(AdapterError) {
        try Self.check(depth, adapter.info)
        let mappings = adapter.core.mappings
        guard let requests = mappings.sharedQueues.open(depth: depth, elements: elements) else {
            throw .limitExceeded(
                what: "shared receive queues", asked: QueueTable.capacity + 1, limit: QueueTable.capacity)
        }
        do {
            sharedQueue = try Verbs.SharedReceiveQueue(
                in: adapter.core.domain, depth: depth, elements: elements, identifier: UInt(requests.id.raw))
        } catch {
            mappings.close(requests)
            throw AdapterError(error)
        }
        self.adapter = adapter
        self.requests = requests
        self.elements = elements
        number = adapter.core.children.withLock { $0.nextSharedReceiveQueueNumber() }
        control = Monitor(Control(depth: depth, reservedDepth: depth))
        telling = Telling(notify)
        adapter.core.children.withLock { $0.sharedReceiveQueues[requests.id] = self }
    }

    static func check(_ depth: Int, _ info: AdapterInfo) throws(AdapterError) {
        let limit = min(info.maxSharedReceiveQueueDepth, SharedQueueTable.longestQueue)
        guard depth > 0 else { throw .limitExceeded(what: "shared receive queue depth", asked: depth, limit: limit) }
        try info.check("shared receive queue depth", depth, atMost: limit)
    }

    /// How many receives may be posted and not completed.
    var depth: Int { control.withLock { $0.depth } }

    // MARK: Queue pairs

    /// Makes room for every receive on the completion queue of a queue pair that is being created.
    func reserveRoom(on completions: CompletionQueueCore) throws(AdapterError) {
        try control.withLock { (control) throws(AdapterError) in
            let identifier = ObjectIdentifier(completions)
            if control.completionQueues[identifier] == nil {
                try completions.reserve(control.reservedDepth)
                control.completionQueues[identifier] = (completions, 0)
            }
            control.completionQueues[identifier]?.count += 1
        }
    }

    /// Gives the room back; the queue pair is destroyed, or could not be created.
    func unreserveRoom(on completions: CompletionQueueCore) {
        control.withLock { control in
            let identifier = ObjectIdentifier(completions)
            control.completionQueues[identifier]?.count -= 1
            guard control.completionQueues[identifier]?.count == 0 else { return }
            control.completionQueues[identifier] = nil
            completions.unreserve(control.reservedDepth)
        }
    }

    /// A queue pair uses it from now on.
    func attach(_ queuePair: QueuePairCore) {
        control.withLock { $0.queuePairs[queuePair.sendQueue] = queuePair.number }
    }

    /// A queue pair is destroyed; the last one ends the queue, if its owner has given it up.
    func detach(_ queuePair: QueuePairCore) {
        let isLast = control.withLock { control in
            control.queuePairs[queuePair.sendQueue] = nil
            return !control.isOwned && control.queuePairs.isEmpty
        }
        if isLast { end() }
    }

    /// Polls wherever receives may have completed, in the stead of those who do not.
    func pollForUsers() {
        let completionQueues = control.withLock { $0.completionQueues.values.map(\.core) }
        for completions in completionQueues { completions.pollForUser() }
    }

    // MARK: The end

    /// The owner gives it up.
    func surrender() {
        telling.end()
        if !adapter.events.isCurrent { telling.awaitEnd() }
        let isLast = control.withLock { control in
            control.isOwned = false
            return control.queuePairs.isEmpty
        }
        if isLast { end() }
    }

    /// The owner gives it up, and waits until its last queue pair has gone.
    func close(waiting patience: Duration?) throws(AdapterError) {
        surrender()
        guard control.wait(atMost: patience, until: { $0.isGone ? true : nil }) == nil else { return }
        throw .queuePairsLeft(numbers: control.withLock { $0.queuePairs.values.sorted() })
    }

    /// Destroys it; nobody posts, and nothing completes any more. Called once.
    private func end() {
        var attempt = 1
        while true {
            do {
                try control.withLock { (control) throws(VerbError) in
                    try sharedQueue.close()
                    control.isDestroyed = true
                }
                break
            } catch {
                adapter.core.noteRefusedDestruction(of: "shared receive queue \(number)", error, attempt: attempt)
                attempt += 1
                usleep(10_000)
            }
        }
        adapter.core.mappings.close(requests)
        adapter.core.childGone { $0.sharedReceiveQueues[requests.id] = nil }
        control.withLock { $0.isGone = true }
        control.signal()
    }
}
