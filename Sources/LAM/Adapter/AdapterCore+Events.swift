import Synchronization
import Tracking
import Verbs

/// What the device reports by itself. On the thread of events.
extension AdapterCore {
    /// Has those hear of an event whom it concerns.
    func handle(_ event: DeviceEvent) {
        note(event)
        switch event {
        case .completionQueueFailed(let identifier):
            children.withLock { $0.completionQueues[identifier]?.core }?.noteFailure()
        case .queuePairFailed(let identifier):
            queuePair(owning: QueueID(raw: UInt64(identifier)))?.noteFailure()
        case .lastReceiveReached(let identifier):
            reportsLastReceives.store(true, ordering: .relaxed)
            queuePair(owning: QueueID(raw: UInt64(identifier)))?.noteLastReceive()
        case .sharedQueueLow(let identifier):
            sharedReceiveQueue(QueueID(raw: UInt64(identifier)))?.noteLimitReached()
        case .sharedQueueFailed(let identifier):
            sharedReceiveQueue(QueueID(raw: UInt64(identifier)))?.noteFailure()
        case .deviceFailed:
            noteDeviceFailure()
        case .portLost, .portActive, .other:
            break
        }
    }

    /// Nothing of the device can go on, and it may tell so of none of its objects.
    private func noteDeviceFailure() {
        hasDeviceFailed.store(true, ordering: .releasing)
        for queue in children.withLock({ Array($0.sharedReceiveQueues.values) }) { queue.noteFailure() }
        for pair in queuePairs { pair.noteFailure() }
        for queue in completionQueues { queue.noteFailure() }
    }
}
