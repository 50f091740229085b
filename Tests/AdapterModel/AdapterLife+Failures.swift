import CRDMA
import Glibc
import TestSupport
import TrackingModel
import enum Verbs.Verb
import struct Verbs.CompletionStatus

/// What goes wrong.
extension AdapterLife {
    /// What opening an adapter calls.
    static var openingVerbs: [Verb] {
        [
            .getDeviceList, .openDevice, .queryDevice, .queryPort, .queryAddresses, .allocateDomain, .registerRegion,
            .createCompletionQueue,
        ]
    }

    /// What is called again until it succeeds, or may fail as often as it likes.
    private static let patientVerbs: [Verb] = [
        .registerRegion, .deregisterRegion, .deregisterRegion, .allocateWindow, .deallocateWindow, .createQueuePair,
        .modifyQueuePair, .destroyQueuePair, .postSend, .postReceive, .pollCompletionQueue, .armCompletionQueue,
        .getCompletionEvent, .getDeviceEvent, .createCompletionChannel, .createCompletionQueue,
        .resizeCompletionQueue, .queryDeviceExtended, .modifyCompletionQueue, .createSharedQueue, .modifySharedQueue,
        .querySharedQueue, .destroySharedQueue,
        .postSharedReceive,
    ]

    /// What is called twice when its object ends.
    private static let impatientVerbs: [Verb] = [.destroyCompletionQueue, .destroyCompletionChannel]

    /// Makes something fail soon.
    func injectFault() {
        let code: CInt = random.pick([EIO, ENOMEM, EBUSY, EINVAL, EPERM])!
        switch random.below(8) {
        case 0:
            device.refuseRequest(random.below(4), ofNext: .postSend, code: ENOMEM)
            counts.add(.postRefusedHalfWay)
        case 1:
            device.leaveUndetermined(next: random.pick([.postSend, .postReceive, .postSharedReceive])!, code: EINVAL)
            counts.add(.postUndetermined)
        case 2:
            let verb = random.pick(Self.impatientVerbs)!
            // Once: between the two calls of another thread there may be a step.
            guard mayFail(verb), failedImpatientVerbs.insert(verb).inserted else { return }
            note("  \(verb) will fail")
            device.inject(code, into: verb)
        default:
            let verb = random.pick(Self.patientVerbs)!
            guard mayFail(verb) else { return }
            note("  \(verb) will fail")
            device.inject(code, into: verb, call: 1 + random.below(3), times: 1 << random.below(5))
        }
    }

    /// Where a creation fails half-way, what it has made already is destroyed once, and abandoned if that fails, too.
    private func mayFail(_ verb: Verb) -> Bool {
        let pairs: [Set<Verb>] = [
            [.createCompletionQueue, .destroyCompletionChannel], [.modifyQueuePair, .destroyQueuePair],
        ]
        return pairs.allSatisfy { pair in !pair.contains(verb) || !pair.contains { $0 != verb && device.willFail($0) } }
    }

    /// A queue pair fails, by a request or by itself.
    func fail() {
        let busy = queuePairs.filter { !device.sends(on: $0.number).isEmpty }
        guard let queuePair = random.pick(random.chance(20) || busy.isEmpty ? queuePairs : busy) else { return }
        let number = queuePair.number
        failedQueuePairs.insert(number)
        let status = CompletionStatus(rawValue: UInt32(1 + random.below(23)))
        note("  \(number) fails: \(status)")
        switch random.below(4) {
        case 0:
            let events = [IBV_EVENT_QP_FATAL, IBV_EVENT_QP_REQ_ERR, IBV_EVENT_QP_ACCESS_ERR]
            device.reportFailure(of: number, as: random.pick(events)!)
            counts.add(.queuePairFailedByItself)
            note("  \(number) fails by itself")
        case 1:
            guard device.failReceive(number, status: status, at: pickPlace(on: number)) else { return }
            noteTaken(by: number)
            counts.add(.queuePairFailed)
        default:
            device.fail(number, status: status)
            counts.add(.queuePairFailed)
        }
    }

    /// Something that no request tells of.
    func haveMisfortune() {
        guard let queuePair = random.pick(queuePairs) else { return }
        let number = queuePair.number
        switch random.below(20) {
        case 0..<8:
            device.loseCompletion(of: number)
            failedQueuePairs.insert(number)
            counts.add(.completionLost)
            note("  the next completion of \(number) is lost")
        case 8..<10:
            guard let queue = completionQueuesOf[number]?.last else { return }
            device.failReceiveQueue(of: number)
            // Everything that completes there is lost from now on.
            queue.hasFailed = true
            for (other, queues) in completionQueuesOf where queues.contains(where: { $0 === queue }) {
                failedQueuePairs.insert(other)
            }
            // Told to whoever is armed, and to whoever is not.
            callLimits.notifications += 1
            counts.add(.completionQueueFailed)
            note("  the completion queue of \(number)'s receives fails")
        case 10..<14:
            guard sharingQueuePairs.contains(number) else { return }
            device.failSharedQueue(of: number)
            // Which is told, too.
            callLimits.lowCalls += 1
            counts.add(.sharedQueueFailed)
            note("  the shared receive queue of \(number) fails")
        case 14..<19:
            if random.chance(50) {
                device.reportPort(isActive: random.chance(50))
                counts.add(.portChanged)
            } else {
                device.reportSomething(about: number, random.below(.max))
                counts.add(.eventWithoutMeaning)
            }
        default:
            guard random.chance(50), !isRemoved else { return }
            isRemoved = true
            // Told on every queue.
            callLimits.notifications += completionQueues.count
            callLimits.lowCalls += sharedQueues.count
            device.remove()
            counts.add(.deviceRemoved)
            note("  the device is removed")
        }
    }
}
