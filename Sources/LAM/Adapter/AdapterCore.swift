import Synchronization
import Tracking
import Verbs

/// What the objects of one adapter share, and what its threads work on.
///
/// Apart from ``Adapter`` so that the reaper can go on while the last user of the adapter goes away.
final class AdapterCore: Sendable {
    let options: AdapterOptions
    let device: DeviceContext
    let domain: ProtectionDomain
    let token: PrivilegedToken
    let queues: QueueTable
    let mappings: MappingTable
    /// Nil where the kernel has no such barrier; then posts and polls have fences of their own.
    let barrier: Membarrier?
    let children = Monitor(Children())
    let counters = Counters()
    let budget: PinBudget

    init(device: DeviceContext, options: AdapterOptions) throws(VerbError) {
        self.options = options
        self.device = device
        budget = PinBudget(options, controlGroupLimit: HostLimits.controlGroupLimit(root: ""))
        domain = try ProtectionDomain(in: device)
        token = try PrivilegedToken(in: domain)
        barrier = try? Membarrier()
        queues = QueueTable(ownerFences: barrier == nil)
        mappings = MappingTable(queues: queues)
    }

    /// Unpins the memory of an idle mapping and forgets the mapping.
    func deregister(_ registration: Registration) throws(VerbError) {
        do {
            try registration.deregister()
        } catch {
            counters.refusedDeregistrations.add(1, ordering: .relaxed)
            throw error
        }
        budget.giveBack(registration.pinnedBytes)
        counters.note(unpinned: registration)
        // Before the slot is free for the next mapping, which has the same place among the children.
        childGone { $0.remove(registration) }
        mappings.retire(registration.id)
        registration.onUnpinned?()
    }

    /// Brings closed mappings nearer to being idle, where nobody else does.
    func help(_ registrations: [Registration]) {
        var queues: Set<QueueID> = []
        var isHeldByWindows = false
        for registration in registrations {
            let holders = mappings.holders(of: registration.id)
            queues.formUnion(holders.queues.keys)
            isHeldByWindows = isHeldByWindows || holders.windows > 0
        }
        if isHeldByWindows {
            queues.formUnion(queuesWithWindowOperations)
        }
        for queue in queues {
            queuePair(owning: queue)?.help(queue)
        }
    }

    /// The send queues on which a bind or an invalidation is under way: its completion may free a mapping.
    private var queuesWithWindowOperations: [QueueID] {
        let queuePairs = children.withLock { Array($0.queuePairs) }
        return queuePairs.filter { $0.key == $0.value.sendQueue && $0.value.hasWindowOperations }.map(\.key)
    }

    /// Notes that a child is gone, and wakes a close that waits for it.
    func childGone(_ remove: (inout Children) -> Void) {
        children.withLock(remove)
        children.signal()
    }

    /// The queue pair that a queue belongs to; nil once it is closed.
    func queuePair(owning queue: QueueID) -> QueuePairCore? {
        children.withLock { $0.queuePairs[queue] }
    }

    /// What uses a mapping, in the words of the public interface.
    func use(of id: MappingID) -> MappingUse {
        let holders = mappings.holders(of: id)
        let queues = holders.queues.compactMap { queue, requests -> MappingUse.Queue? in
            guard let pair = queuePair(owning: queue) else { return nil }
            return MappingUse.Queue(
                queuePairNumber: pair.number, side: pair.side(of: queue), requests: requests)
        }
        return MappingUse(queues: queues, windows: holders.windows, furtherRequests: holders.countedUses)
    }
}
