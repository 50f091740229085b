import Glibc
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
    /// What local tokens of memory regions stand for.
    let regions: RegionTable
    /// Nil where the kernel has no such barrier; then posts and polls have fences of their own.
    let barrier: Membarrier?
    let children = Monitor(Children())
    let counters: Counters
    /// Nil if nobody wants to know.
    let observer: Observer?
    let budget: PinBudget
    /// Whether the device says when a queue pair in the error state is done with its shared receive queue.
    let reportsLastReceives = Atomic<Bool>(false)
    /// Whether the device said that it failed as a whole, or is being removed.
    let hasDeviceFailed = Atomic<Bool>(false)
    private let identifiers = Atomic<UInt>(0)
    /// The threads on which users are called.
    private let callbackThreads = Monitor<Set<pthread_t>>([])

    init(
        device: DeviceContext, options: AdapterOptions, counters: Counters, observer: Observer?
    ) throws(VerbError) {
        self.options = options
        self.device = device
        self.counters = counters
        self.observer = observer
        budget = PinBudget(options, controlGroupLimit: HostLimits.controlGroupLimit(root: ""))
        try observer?.begin { [budget] in counters.snapshot(pinnedBytes: budget.pinnedBytes) }
        domain = try ProtectionDomain(in: device)
        token = try PrivilegedToken(in: domain)
        regions = RegionTable(reserving: token.key)
        barrier = try? Membarrier()
        queues = QueueTable(ownerFences: barrier == nil)
        mappings = MappingTable(queues: queues)
    }

    /// Unpins the memory of an idle mapping and forgets the mapping.
    func deregister(_ registration: Registration) throws(VerbError) {
        do {
            try registration.deregister()
        } catch {
            noteRefusal(of: registration, error)
            throw error
        }
        budget.giveBack(registration.pinnedBytes)
        noteUnpinned(registration)
        // Before the slot is free for the next mapping, which has the same place among the children.
        childGone { $0.remove(registration) }
        mappings.retire(registration.id)
        registration.onUnpinned?()
    }

    /// From here on every poster either sees what was closed before, or has left its fence.
    ///
    /// - Complexity: one `membarrier(2)`, or a fence where there is none.
    func orderPosts() {
        if let barrier { barrier.issue() } else { atomicMemoryFence(ordering: .sequentiallyConsistent) }
    }

    /// A number that events of the device name an object by, never given twice.
    func nextIdentifier() -> UInt {
        // Only uniqueness matters.
        identifiers.wrappingAdd(1, ordering: .relaxed).newValue
    }

    /// Notes that the calling thread calls users from now on, or not any more.
    func noteCallbackThread(_ isOne: Bool) {
        callbackThreads.withLock { threads in
            if isOne { threads.insert(pthread_self()) } else { threads.remove(pthread_self()) }
        }
    }

    /// Whether the caller is inside a callback of the adapter or of one of its objects.
    var isInsideCallback: Bool { callbackThreads.withLock { $0.contains(pthread_self()) } }

    /// Notes that a child is gone, and wakes a close that waits for it.
    func childGone(_ remove: (inout Children) -> Void) {
        children.withLock(remove)
        children.signal()
    }

    /// The queue pair that a queue belongs to; nil once it is closed.
    func queuePair(owning queue: QueueID) -> QueuePairCore? {
        children.withLock { $0.queuePairs[queue] }
    }

    /// The queue pairs that have a number, and take their receives from a shared receive queue.
    func queuePairs(numbered number: UInt32, receivingFrom sharedQueue: QueueID) -> [QueuePairCore] {
        queuePairs.filter { $0.number == number && $0.sharedReceives?.requests.id == sharedQueue }
    }

    /// All queue pairs that are not closed.
    var queuePairs: [QueuePairCore] {
        children.withLock { $0.queuePairs.filter { $0.key == $0.value.sendQueue }.map(\.value) }
    }

    /// All completion queues that are not gone.
    var completionQueues: [CompletionQueueCore] {
        children.withLock { $0.completionQueues.values.compactMap(\.core) }
    }

    /// The registration of a mapping that is held, or of the slab that it is cut from; nil for memory of a region, whose
    /// logical address is nobody's to name.
    func registration(of id: MappingID, at address: UInt64) -> Registration? {
        let found = children.withLock { children in
            children.registration(of: id) ?? children.registration(at: AddressLayout.slot(of: address))
        }
        guard let found else {
            fatalError("AdapterCore: nothing is registered for \(id) at \(hexadecimal(address))")
        }
        return found.terms.isAtMemoryAddress ? nil : found
    }

    /// A shared receive queue; nil once it is gone.
    func sharedReceiveQueue(_ queue: QueueID) -> SharedReceiveQueueCore? {
        children.withLock { $0.sharedReceiveQueues[queue] }
    }

    /// What uses a mapping, in the words of the public interface.
    func use(of id: MappingID) -> MappingUse {
        let holders = mappings.holders(of: id)
        let sharedQueues = children.withLock { Array($0.sharedReceiveQueues.values) }.compactMap {
            let uses = $0.requests.uses(of: id)
            return uses > 0 ? MappingUse.SharedQueue(number: $0.number, uses: uses) : nil
        }
        let sharedUses = sharedQueues.reduce(0) { $0 + $1.uses }
        let queues = holders.queues.compactMap { queue, requests -> MappingUse.Queue? in
            guard let pair = queuePair(owning: queue) else { return nil }
            return MappingUse.Queue(
                queuePairNumber: pair.number, side: pair.side(of: queue), requests: requests)
        }
        return MappingUse(
            queues: queues, sharedReceiveQueues: sharedQueues, windows: holders.windows,
            // Looked at one after the other: some may have ended between.
            furtherRequests: max(0, holders.countedUses - sharedUses))
    }
}
