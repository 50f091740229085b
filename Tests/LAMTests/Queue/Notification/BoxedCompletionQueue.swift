import LAM
import TestSupport
import Tracking

/// A completion queue in a box, for callbacks, which cannot hold noncopyable values.
final class BoxedCompletionQueue: Sendable {
    private let queue = Locked<LAM.CompletionQueue?>(nil)

    func put(_ queue: consuming LAM.CompletionQueue) {
        var queue: LAM.CompletionQueue? = consume queue
        self.queue.withLock { $0 = queue.take() }
    }

    func take() -> LAM.CompletionQueue? {
        queue.withLock { $0.take() }
    }

    /// Whether nobody took it.
    var isFull: Bool { queue.withLock { $0 != nil } }

    /// Arms it, unless it was taken.
    func arm(for trigger: NotificationTrigger = .any) {
        queue.withLock { queue in
            guard var present = queue.take() else { return }
            try? present.arm(for: trigger)
            queue = consume present
        }
    }

    /// Polls until there is nothing more.
    func drain() -> [Completion] {
        queue.withLock { queue in
            guard var present = queue.take() else { return [] }
            let completions = present.drain()
            queue = consume present
            return completions
        }
    }
}

/// What a completion queue notified, in order.
typealias Notified = SharedValue<[CompletionQueueNotification]>

extension SharedValue<[CompletionQueueNotification]> {
    convenience init() { self.init([]) }

    func add(_ notification: CompletionQueueNotification) {
        update { $0.append(notification) }
    }

    /// Waits until there are so many.
    func reaches(_ count: Int) -> Bool { eventually { value.count >= count } }
}
