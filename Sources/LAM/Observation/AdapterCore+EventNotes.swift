import Logging
import Tracking
import Verbs

/// What is told of the adapter as a whole and of its device.
extension AdapterCore {
    /// The adapter can be used.
    func noteOpened(_ info: AdapterInfo) {
        observer?.log(.debug, "adapter opened", ["lam.port": "\(info.port)", "lam.address": "\(info.address)"])
    }

    /// The adapter is closed, or was dropped with its last object.
    func noteClosed() {
        guard let observer, observer.isFirst(.closed) else { return }
        observer.log(.debug, "adapter closed")
    }

    /// The adapter does not close, because these are left.
    func note(_ survivors: Survivors) {
        guard let observer else { return }
        for mapping in survivors.mappings {
            observer.log(
                .error, "a mapping keeps the adapter from closing",
                [
                    "lam.mapping.site": "\(mapping.site)", "lam.mapping.bytes": "\(mapping.memory.length)",
                    "lam.use": "\(mapping.use)",
                ])
        }
        for object in survivors.objects {
            observer.log(.error, "an object keeps the adapter from closing", ["lam.object": "\(object)"])
        }
    }

    /// The device reports something by itself.
    func note(_ event: DeviceEvent) {
        guard let observer else { return }
        switch event {
        case .completionQueueFailed:
            observer.log(.error, "a completion queue lost results; its queue pairs are being ended")
        case .queuePairFailed(let identifier):
            observer.log(.error, "a queue pair failed by itself", metadata(ofQueuePair: identifier))
        case .sharedQueueFailed(let identifier):
            observer.log(.error, "a shared receive queue failed", metadata(ofSharedQueue: identifier))
        case .deviceFailed:
            observer.log(.error, "the device failed, or is being removed")
        case .portLost(let port):
            observer.log(.notice, "a port is down", ["lam.port": "\(port)"])
        case .portActive(let port):
            observer.log(.notice, "a port is active", ["lam.port": "\(port)"])
        case .lastReceiveReached, .sharedQueueLow, .other:
            break
        }
    }

    private func metadata(ofQueuePair identifier: UInt) -> Logger.Metadata {
        guard let pair = queuePair(owning: QueueID(raw: UInt64(identifier))) else { return [:] }
        return ["lam.object": "queue pair \(pair.number)"]
    }

    private func metadata(ofSharedQueue identifier: UInt) -> Logger.Metadata {
        guard let queue = sharedReceiveQueue(QueueID(raw: UInt64(identifier))) else { return [:] }
        return ["lam.object": "shared receive queue \(queue.number)"]
    }
}

extension Observer {
    /// An object stays in the kernel until the process ends: the device refused to destroy it, and nobody is left who
    /// could try again.
    func noteAbandoned(_ error: VerbError) {
        log(.error, "the device refused to destroy an object, which is abandoned", error.metadata)
    }
}
