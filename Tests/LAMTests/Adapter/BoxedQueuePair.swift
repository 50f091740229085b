import LAM
import Tracking

/// A queue pair in a box, for arrays and threads, which cannot hold noncopyable values.
final class BoxedQueuePair: Sendable {
    let number: UInt32
    let handle: QueuePairHandle
    private let queuePair: Locked<LAM.QueuePair?>

    init(_ queuePair: consuming LAM.QueuePair) {
        number = queuePair.number
        handle = queuePair.handle
        self.queuePair = Locked(consume queuePair)
    }

    /// Posts, unless the queue pair was closed.
    func post(_ body: (inout LAM.QueuePair) throws(PostError) -> Void) throws(PostError) {
        try queuePair.withLock { (queuePair) throws(PostError) in
            switch consume queuePair {
            case .some(var present):
                do throws(PostError) { try body(&present) } catch {
                    queuePair = consume present
                    throw error
                }
                queuePair = consume present
            case .none:
                queuePair = nil
                throw .ended
            }
        }
    }

    /// Closes it, unless somebody did so before.
    func close() {
        queuePair.withLock { $0.take() }?.close()
    }

    /// Drops it.
    func drop() {
        _ = queuePair.withLock { $0.take() }
    }
}
