import CRDMA
import TestSupport
import Verbs

/// A bug that is put between the adapter and its device, or its user, and that the model must notice.
package enum AdapterCanary: String, CaseIterable, Sendable {
    /// Memory is unpinned although requests may use it.
    case unpinsInUse
    /// A deregistration that the device refused counts as done.
    case forgetsRefusedUnpin
    /// A request completes before the device is done with its memory.
    case completesEarly
    /// A mapping is never released.
    case forgetsRelease
    /// The addresses of a mapping that was released are good still.
    case keepsAddresses
    /// A window is never deallocated.
    case forgetsWindow
    /// A queue pair is never destroyed.
    case forgetsQueuePair
    /// A queue pair is destroyed without having been flushed.
    case forgetsFlush
    /// A result is never delivered.
    case losesResult
    /// A result is delivered twice.
    case repeatsResult
    /// A result is delivered before an earlier one.
    case swapsResults

    /// The table of a device with the bug in it.
    func spoil(_ verbs: ControlVerbs) -> ControlVerbs {
        var spoiled = verbs
        switch self {
        case .unpinsInUse: spoilUnpinning(&spoiled)
        case .forgetsRefusedUnpin:
            let deregister = unsafe verbs.memory.deregisterRegion
            unsafe spoiled.memory.deregisterRegion = { region in
                _ = unsafe deregister(region)
                return 0
            }
        case .forgetsWindow: unsafe spoiled.memory.deallocateWindow = { _ in 0 }
        case .forgetsQueuePair:
            let isForgotten = Every(10)
            let destroy = unsafe verbs.queues.destroyQueuePair
            unsafe spoiled.queues.destroyQueuePair = { queuePair in
                isForgotten.next() ? 0 : unsafe destroy(queuePair)
            }
        case .forgetsFlush:
            let modify = unsafe verbs.queues.modifyQueuePair
            unsafe spoiled.queues.modifyQueuePair = { queuePair, attributes, mask in
                let isFlush = unsafe QueuePairState(attributes.pointee.qp_state) == .error
                return isFlush ? 0 : unsafe modify(queuePair, attributes, mask)
            }
        case .completesEarly, .forgetsRelease, .keepsAddresses, .losesResult, .repeatsResult, .swapsResults: break
        }
        return spoiled
    }

    /// Now and then a region goes that is not to go yet, and its own end is nothing any more.
    private func spoilUnpinning(_ spoiled: inout ControlVerbs) {
        let isVictim = Every(10)
        let victim = SharedValue<UInt?>(nil)
        let gone = SharedValue<Set<UInt>>([])
        let register = unsafe spoiled.memory.registerRegion
        let deregister = unsafe spoiled.memory.deregisterRegion
        unsafe spoiled.memory.registerRegion = { domain, base, length, address, rights, region in
            if let early = victim.value, unsafe deregister(UnsafeMutablePointer<ibv_mr>(bitPattern: early)!) == 0 {
                gone.update { $0.insert(early) }
                victim.value = nil
            }
            let code = unsafe register(domain, base, length, address, rights, region)
            if code == 0, isVictim.next() { victim.value = unsafe UInt(bitPattern: region.pointee) }
            return code
        }
        unsafe spoiled.memory.deregisterRegion = { region in
            let key = UInt(bitPattern: region)
            if victim.value == key { victim.value = nil }
            return gone.value.contains(key) ? 0 : unsafe deregister(region)
        }
    }
}

/// True every so many times.
final class Every: Sendable {
    private let period: Int
    private let count = SharedValue(0)

    init(_ period: Int) {
        self.period = period
    }

    func next() -> Bool {
        count.update { $0 += 1 }
        return count.value.isMultiple(of: period)
    }
}
