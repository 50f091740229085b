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
            for pair in queuePairs { pair.noteFailure(ofCompletionQueue: identifier) }
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
            hasDeviceFailed.store(true, ordering: .releasing)
            for pair in queuePairs { pair.noteFailure() }
        case .portLost, .portActive, .other:
            break
        }
    }
}
