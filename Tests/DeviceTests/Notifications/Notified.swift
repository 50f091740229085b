import LAM
import TestSupport

/// What completion queues notified, in order.
final class Notified: Sendable {
    private let all = SharedValue<[CompletionQueueNotification]>([])

    var count: Int { all.value.count }

    func add(_ notification: CompletionQueueNotification) {
        all.update { $0.append(notification) }
    }

    /// Waits until there are so many, and then for one too many.
    func settled(at expected: Int) -> Bool {
        let end = ContinuousClock.now + .seconds(10)
        while count < expected, ContinuousClock.now < end {}
        let late = ContinuousClock.now + .milliseconds(50)
        while ContinuousClock.now < late {}
        return count == expected
    }
}
