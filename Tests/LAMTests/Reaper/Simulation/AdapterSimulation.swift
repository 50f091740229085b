import Glibc
import LAM
import TestSupport
import Testing

/// An adapter, everything that can be had from it, and one random step after the other.
///
/// The schedule follows from the seed, except for what the reaper does beside it on its own thread.
final class AdapterSimulation {
    let device: FakeDevice
    let adapter: Adapter
    var random: SeededGenerator

    var completionQueues: [SimulatedCompletionQueue] = []
    var queuePairs: [SimulatedQueuePair] = []
    var sharedQueues: [SimulatedSharedQueue] = []
    var mappings: [SimulatedMapping] = []
    var windows: [SimulatedWindow] = []
    var regions: [SimulatedRegion] = []

    /// Requests whose post succeeded, and whether their success is silent.
    var outstanding: [UInt64: Bool] = [:]
    /// Those of them that were posted to a shared receive queue: only what a message takes completes.
    var sharedContexts: Set<UInt64> = []
    /// The numbers of all queue pairs that take receives from a shared queue, or did.
    var sharingQueuePairs: Set<UInt32> = []
    /// Shared receives that messages took, less those whose results came.
    var sharedDebt = 0
    /// How often a shared receive queue notified, and was asked to.
    let notifications = Notifications()
    var notificationsAsked = 0
    /// Queue pairs that the device failed, or that failed by themselves.
    var failedQueuePairs: [UInt32] = []
    var lastContext: UInt64 = 0
    /// Where mappings come from that cost no registration each.
    let arena: Arena
    let cache: RegistrationCache
    let cachedBuffers: [PageBuffer]
    /// What must not be.
    var objections: [String] = []
    private var notes: [String] = []

    init(on device: FakeDevice, seed: UInt64) throws {
        self.device = device
        random = SeededGenerator(seed: seed)
        adapter = try Adapter.open(over: device.verbs)
        // Little of both, so that blocks come back and registrations are evicted all the time.
        arena = try smallArena(adapter, slabs: 3)
        cache = try smallCache(adapter, pages: 4)
        cachedBuffers = try pageBuffers(6)
        for _ in 0..<3 {
            completionQueues.append(SimulatedCompletionQueue(try adapter.createCompletionQueue(depth: 4)))
        }
    }

    private typealias Action = (name: String, weight: Int, run: @Sendable (AdapterSimulation) throws -> Void)

    private static let actions: [Action] = [
        ("build", 8, { try $0.build() }), ("release", 14, { $0.release() }),
        ("cut", 8, { try $0.cut() }), ("build cached", 8, { try $0.buildCached() }),
        ("forget", 1, { $0.forget() }), ("trim", 1, { $0.trim() }),
        ("send", 30, { $0.send() }), ("receive", 15, { $0.receive() }),
        ("carry out", 30, { $0.carryOut() }), ("arrive", 12, { $0.arrive() }),
        ("poll", 20, { $0.poll() }), ("fail", 2, { $0.fail() }),
        ("create queue pair", 8, { try $0.createQueuePair() }), ("end queue pair", 4, { $0.endQueuePair() }),
        ("create window", 3, { try $0.createWindow() }), ("drop window", 2, { $0.dropWindow() }),
        ("create shared queue", 2, { try $0.createSharedQueue() }), ("end shared queue", 1, { $0.endSharedQueue() }),
        ("shared receive", 15, { $0.receiveShared() }), ("modify shared queue", 3, { $0.modifySharedQueue() }),
        ("bind", 8, { $0.bind() }), ("invalidate", 8, { $0.invalidate() }),
        ("create region", 3, { try $0.createRegion() }), ("drop region", 2, { $0.dropRegion() }),
        ("fast register", 8, { $0.fastRegister() }), ("invalidate region", 8, { $0.invalidateRegion() }),
        ("invalidate by peer", 3, { $0.invalidateByPeer() }), ("fault", 3, { $0.injectFault() }),
    ]

    private static let totalWeight = actions.reduce(0) { $0 + $1.weight }

    /// Does something.
    func step() throws {
        var choice = Int.random(in: 0..<Self.totalWeight, using: &random)
        for action in Self.actions {
            choice -= action.weight
            guard choice < 0 else { continue }
            note(action.name)
            return try action.run(self)
        }
    }

    /// Remembers for a while what happened.
    func note(_ event: String) {
        if notes.count == 200 { notes.removeFirst(100) }
        notes.append(event)
    }

    /// What happened last, for a report.
    var trace: String { notes.suffix(40).joined(separator: "\n") }

    /// Gives everything up, and sees what comes of what was posted.
    func end() throws {
        device.clearFaults()
        for queuePair in queuePairs { queuePair.queuePair.take()?.close() }
        sharedQueues.removeAll()
        for mapping in mappings { mapping.mapping.take()?.release() }
        windows.removeAll()
        regions.removeAll()
        arena.close()
        cache.close()
        #expect(eventually { adapter.statistics.liveMappings == 0 }, "\(adapter.survivors)")
        // The reaper may still be delivering.
        _ = eventually(within: .seconds(2)) {
            completionQueues.forEach { take(from: $0) }
            return mustComplete.isEmpty && sharedDebt == 0
        }
        let lost = mustComplete
        if !lost.isEmpty { objections.append("requests \(lost) never completed") }
        if sharedDebt != 0 { objections.append("\(sharedDebt) shared receives were taken and never completed") }
        if notifications.list.count > notificationsAsked {
            objections.append("\(notifications.list.count) notifications")
        }
        queuePairs.removeAll()
        completionQueues.removeAll()
        try adapter.close(waiting: .seconds(10))
    }

    /// What was posted and must complete, whatever happens.
    private var mustComplete: [UInt64] {
        outstanding.filter { !$0.value && !sharedContexts.contains($0.key) }.keys.sorted()
    }

    /// Takes what a completion queue has, and crosses it off.
    func take(from queue: SimulatedCompletionQueue) {
        var batch = CompletionBatch(capacity: 5)
        while queue.completions.poll(into: &batch) > 0 {
            batch.forEach { completion in
                guard let isSilent = outstanding.removeValue(forKey: completion.context) else {
                    return objections.append("\(completion) completes what nobody posted, or once more")
                }
                if isSilent, completion.status == .success { objections.append("\(completion) is not silent") }
                note("  got \(completion.context) \(completion.status) \(completion.queuePairNumber)")
                if completion.status != .success { failedQueuePairs.append(completion.queuePairNumber) }
                guard !sharedContexts.contains(completion.context) else { return sharedDebt -= 1 }
                queue.check(completion, &objections)
            }
        }
    }
}

/// A completion queue and the order of what it gave.
final class SimulatedCompletionQueue {
    var completions: LAM.CompletionQueue
    /// The last context of each queue: contexts count upwards, and so must each queue's results.
    private var last: [String: UInt64] = [:]

    init(_ completions: consuming LAM.CompletionQueue) {
        self.completions = completions
    }

    func check(_ completion: Completion, _ objections: inout [String]) {
        let queue = "\(completion.queuePairNumber) \(completion.operation.isReceive ? "receive" : "send")"
        if completion.context <= last[queue, default: 0] {
            objections.append("\(completion) comes after \(last[queue, default: 0])")
        }
        last[queue] = completion.context
    }
}

/// A queue pair, until it ends.
final class SimulatedQueuePair {
    var queuePair: LAM.QueuePair?
    let number: UInt32

    init(_ queuePair: consuming LAM.QueuePair) {
        number = queuePair.number
        self.queuePair = consume queuePair
    }
}

/// A shared receive queue, until it is given up.
final class SimulatedSharedQueue {
    var queue: LAM.SharedReceiveQueue

    init(_ queue: consuming LAM.SharedReceiveQueue) {
        self.queue = queue
    }
}

/// A mapping, until it is released; its element stays, as a consumer's stale copy would.
final class SimulatedMapping {
    var mapping: LogicalAddressMapping?
    let element: ScatterGatherElement
    /// Whether it was cut from the arena.
    let isCut: Bool

    init(_ mapping: consuming LogicalAddressMapping, isCut: Bool = false) {
        element = mapping.element(0..<64)
        self.isCut = isCut
        self.mapping = consume mapping
    }
}

/// A window, until it is dropped.
final class SimulatedWindow {
    let window: LAM.MemoryWindow

    init(_ window: consuming LAM.MemoryWindow) {
        self.window = window
    }
}

/// A region for fast registrations, until it is dropped.
final class SimulatedRegion {
    let region: LAM.MemoryRegion

    init(_ region: consuming LAM.MemoryRegion) {
        self.region = region
    }
}
