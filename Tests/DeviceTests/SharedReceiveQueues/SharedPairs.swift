import LAM
import Synchronization
import TestSupport

/// A shared receive queue, two queue pairs that take receives from it, and a peer for each of them.
///
/// The receives complete on two completion queues, so that a test can poll them in any order.
struct SharedPairs: ~Copyable {
    let adapter: Adapter
    var shared: SharedReceiveQueue
    var first: Lane
    var second: Lane

    /// A peer that sends, and the queue pair that receives.
    struct Lane: ~Copyable {
        var near: Pair.End
        var far: Pair.End
    }

    static let capacity = QueuePairCapacity(sendDepth: 16, inlineBytes: 64)

    init(
        depth: Int = 16, threshold: Int = 0,
        notify: (@Sendable (SharedReceiveQueueNotification) -> Void)? = nil
    ) throws {
        let adapter = try Pair.openAdapter()
        let shared = try adapter.createSharedReceiveQueue(depth: depth, threshold: threshold, notify: notify)
        let first = try Self.connect(adapter, shared)
        let second = try Self.connect(adapter, shared)
        self.adapter = adapter
        self.shared = shared
        self.first = first
        self.second = second
    }

    private static func connect(
        _ adapter: Adapter, _ shared: borrowing SharedReceiveQueue
    ) throws -> Lane {
        let near = try Pair.End(of: adapter, Pair.capacity)
        let completions = try Completions(of: adapter)
        let far = try Pair.End(
            queuePair: adapter.createQueuePair(
                sendCompletions: completions.queue, receiveCompletions: completions.queue, receivesFrom: shared,
                capacity: capacity),
            completions: completions)
        try near.queuePair.connect(to: far.queuePair.address)
        try far.queuePair.connect(to: near.queuePair.address)
        return Lane(near: near, far: far)
    }

    /// Ends the queue pairs and then the shared receive queue, after which nothing uses a mapping.
    consuming func close() throws -> Adapter {
        let adapter = adapter
        first.close()
        second.close()
        try shared.close()
        return adapter
    }
}

extension SharedPairs.Lane {
    /// Sends bytes, and waits until they are there.
    mutating func send(_ bytes: [UInt8]) throws {
        try near.sendInline(bytes)
        _ = try near.completions.next()
    }

    /// Ends both queue pairs.
    consuming func close() {
        near.queuePair.close()
        far.queuePair.close()
    }
}

/// What a shared receive queue notified.
final class Notifications: Sendable {
    private let all = Mutex<[SharedReceiveQueueNotification]>([])

    var list: [SharedReceiveQueueNotification] { all.withLock { $0 } }

    func add(_ notification: SharedReceiveQueueNotification) {
        all.withLock { $0.append(notification) }
    }

    /// Waits until there are so many, and then for one too many.
    func settled(at count: Int) -> Bool {
        let end = ContinuousClock.now + .seconds(10)
        while list.count < count, ContinuousClock.now < end {}
        let late = ContinuousClock.now + .milliseconds(50)
        while ContinuousClock.now < late {}
        return list.count == count
    }
}
