import Glibc
import Synchronization
import Tracking
import TrackingModel

/// One poster of a shared receive queue, several devices that complete its requests, and a releaser, each on a thread
/// of its own, around a few mappings.
final class SharedStress: Sendable {
    static let depth = 64
    static let requestCount = 50_000
    static let threshold = 32
    private static let mappingCount = 8

    let fixture = Fixture()
    let queue: SharedQueue
    /// Posted and not consumed.
    private let onDevice = Locked<[Entry]>([])
    /// The addresses that the poster uses now.
    private let addresses = Locked([UInt64](repeating: 0, count: mappingCount))
    /// By key: how many requests use a mapping that the device knows.
    private let uses = Locked<[UInt32: Int]>([:])
    private let isPosted = Atomic<Bool>(false)
    private let retiredCount = Atomic<Int>(0)
    private let lowCount = Atomic<Int>(0)
    private let findings = Atomic<Int>(0)

    private struct Entry {
        var wire: WireID
        var context: UInt64
        var key: UInt32
    }

    init() {
        guard let queue = fixture.mappings.sharedQueues.open(depth: Self.depth, elements: 1) else {
            fatalError("no queue left")
        }
        self.queue = queue
        for place in 0..<Self.mappingCount { _ = replace(place, key: UInt32(place + 1)) }
    }

    /// How often a request was not retired, or retired as another, or memory went that was used.
    var violations: Int { findings.load(ordering: .acquiring) }
    var retired: Int { retiredCount.load(ordering: .acquiring) }
    var alarms: Int { lowCount.load(ordering: .acquiring) }

    // MARK: The threads

    func post() {
        var poster = SharedRequestPoster(queue: queue, mappings: fixture.mappings)
        var random = RandomSource(seed: 1)
        var context: UInt64 = 0
        while context < UInt64(Self.requestCount) {
            guard poster.begin() else {
                sched_yield()
                continue
            }
            let address = addresses.withLock { $0[random.below(Self.mappingCount)] }
            guard let key = try? poster.use(address: address, length: 1).key else {
                poster.abandon()
                continue
            }
            // The count covers it from here on; a mapping that went before has no entry any more.
            if !use(key, 1) { findings.add(1, ordering: .relaxed) }
            let entry = Entry(wire: poster.commit(context: context, tag: 0), context: context, key: key)
            onDevice.withLock { $0.append(entry) }
            context += 1
            if context % 1000 == 0 { queue.arm(below: Self.threshold) }
        }
        isPosted.store(true, ordering: .releasing)
    }

    func complete(seed: UInt64) {
        var random = RandomSource(seed: seed)
        while true {
            let isLast = isPosted.load(ordering: .acquiring)
            let entry = onDevice.withLock { entries in
                entries.isEmpty ? nil : entries.remove(at: random.below(entries.count))
            }
            guard let entry else {
                if isLast { return }
                sched_yield()
                continue
            }
            if !use(entry.key, -1) { findings.add(1, ordering: .relaxed) }
            let retired = fixture.mappings.complete(entry.wire)
            if retired?.request.context != entry.context { findings.add(1, ordering: .relaxed) }
            if fixture.mappings.complete(entry.wire) != nil { findings.add(1, ordering: .relaxed) }
            if retired?.leavesFew == true { lowCount.add(1, ordering: .relaxed) }
            retiredCount.add(1, ordering: .relaxed)
        }
    }

    /// Replaces the mappings one after the other, and frees each as soon as it is idle.
    func release() {
        var random = RandomSource(seed: 3)
        var current = (0..<Self.mappingCount).map { replace($0, key: UInt32(100 + $0)) }
        var closing: [(id: MappingID, key: UInt32)] = []
        var key: UInt32 = 1000
        while !isPosted.load(ordering: .acquiring) {
            let place = random.below(Self.mappingCount)
            if fixture.mappings.close(current[place].id) { closing.append(current[place]) }
            key += 1
            current[place] = replace(place, key: key)
            retireIdle(&closing)
        }
        for mapping in current where fixture.mappings.close(mapping.id) { closing.append(mapping) }
        while retired < Self.requestCount { sched_yield() }
        retireIdle(&closing)
        findings.add(closing.count, ordering: .relaxed)
    }

    // MARK: Memory

    private func replace(_ place: Int, key: UInt32) -> (id: MappingID, key: UInt32) {
        let (id, base) = fixture.map(key: key)
        uses.withLock { $0[key] = 0 }
        addresses.withLock { $0[place] = base }
        return (id, key)
    }

    /// - Returns: false if the mapping of the key is gone.
    private func use(_ key: UInt32, _ count: Int) -> Bool {
        uses.withLock { uses in
            guard let before = uses[key] else { return false }
            uses[key] = before + count
            return true
        }
    }

    private func retireIdle(_ closing: inout [(id: MappingID, key: UInt32)]) {
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        closing.removeAll { id, key in
            guard fixture.mappings.isIdle(id) else { return false }
            if uses.withLock({ $0.removeValue(forKey: key) }) != 0 { findings.add(1, ordering: .relaxed) }
            fixture.mappings.retire(id)
            return true
        }
    }
}
