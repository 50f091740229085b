import LAM
import Tracking
import TestSupport

extension Adapter {
    /// A queue pair that takes receives from a shared queue, connected with itself.
    func connectedQueuePair(
        _ completions: borrowing LAM.CompletionQueue, receivesFrom shared: borrowing LAM.SharedReceiveQueue
    ) throws -> LAM.QueuePair {
        let queuePair = try createQueuePair(
            completions: completions, receivesFrom: shared, capacity: smallCapacity)
        try queuePair.connect(to: queuePair.address)
        return queuePair
    }
}

/// Keeps what a shared receive queue notified.
final class Notifications: Sendable {
    private let all = Locked<[SharedReceiveQueueNotification]>([])

    var list: [SharedReceiveQueueNotification] { all.withLock { $0 } }

    func add(_ notification: SharedReceiveQueueNotification) {
        all.withLock { $0.append(notification) }
    }
}

/// A shared receive queue in a box, for callbacks, which cannot hold noncopyable values.
final class BoxedSharedQueue: Sendable {
    private let queue = Locked<LAM.SharedReceiveQueue?>(nil)

    func put(_ queue: consuming LAM.SharedReceiveQueue) {
        var queue: LAM.SharedReceiveQueue? = consume queue
        self.queue.withLock { $0 = queue.take() }
    }

    func take() -> LAM.SharedReceiveQueue? {
        queue.withLock { $0.take() }
    }
}
