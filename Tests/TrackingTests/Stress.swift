import Glibc
import Synchronization
import Tracking
import TrackingModel

/// Posters, a device with its poller, and a releaser, each on a thread of its own, around a few shared mappings.
final class Stress: Sendable {
    static let mappingCount = 8000
    static let sharedCount = 8

    let fixture: Fixture
    let barrier: @Sendable () -> Void
    let queues: [StressQueue]
    /// The addresses that posters use now.
    private let addresses: [Cell]
    /// By key: how many requests use the mapping, and whether the device knows it.
    private let uses: [Cell]
    private let isMapped: [Cell]
    private let postersLeft: Atomic<Int>
    private let isReleaserDone = Atomic<Bool>(false)
    private let findings = Atomic<Int>(0)

    /// A word that threads share; an array has no room for noncopyable ones.
    private final class Cell: Sendable {
        let value = Atomic<UInt64>(0)
    }

    init(ownerFences: Bool, queueCount: Int, posterCount: Int, barrier: @escaping @Sendable () -> Void) {
        let fixture = Fixture(ownerFences: ownerFences)
        // A few slots for large mappings are left, so that slots are used again at once.
        for _ in 0..<4080 { _ = fixture.mapLarge() }
        self.fixture = fixture
        self.barrier = barrier
        queues = (0..<queueCount).map { _ in StressQueue(fixture) }
        addresses = (0..<Self.sharedCount).map { _ in Cell() }
        uses = (0..<Self.mappingCount).map { _ in Cell() }
        isMapped = (0..<Self.mappingCount).map { _ in Cell() }
        postersLeft = Atomic(posterCount)
    }

    /// How often the device touched memory that was gone, or a mapping was called idle that was not.
    var violations: Int { findings.load(ordering: .acquiring) }

    // MARK: Posters

    /// Posts to its queues until the releaser has replaced every mapping.
    func post(to queues: [StressQueue], seed: UInt64) {
        var random = RandomSource(seed: seed)
        while !isReleaserDone.load(ordering: .acquiring) {
            guard let queue = random.pick(queues) else { break }
            post(to: queue, &random)
        }
        for queue in queues { while !postSignaled(to: queue) { sched_yield() } }
        postersLeft.subtract(1, ordering: .releasing)
    }

    private func post(to queue: StressQueue, _ random: inout RandomSource) {
        guard case .inside = queue.poster.enter() else { return }
        defer { queue.poster.leave() }
        guard queue.poster.begin() else { return }
        // Here and there a poster loses its processor.
        if random.chance(1) { sched_yield() }
        guard let first = use(on: queue, &random) else { return queue.poster.abandon() }
        guard let second = use(on: queue, &random) else {
            uses[Int(first)].value.subtract(1, ordering: .relaxed)
            return queue.poster.abandon()
        }
        if random.chance(1) { sched_yield() }
        let wire = queue.poster.commit(context: 0, tag: 0)
        // At least twice per depth: a queue full of unsignaled requests would stay so.
        let isSignaled = queue.poster.posted % 16 == 0 || random.chance(25)
        queue.post(StressQueue.Entry(wire: wire, keys: (first, second), isSignaled: isSignaled))
    }

    private func use(on queue: StressQueue, _ random: inout RandomSource) -> UInt32? {
        let address = addresses[random.below(Self.sharedCount)].value.load(ordering: .acquiring)
        guard let key = try? queue.poster.use(address: address, length: 1).key else { return nil }
        uses[Int(key)].value.add(1, ordering: .relaxed)
        return key
    }

    /// Posts a request that completes, behind those that do not.
    private func postSignaled(to queue: StressQueue) -> Bool {
        guard case .inside = queue.poster.enter() else { return false }
        defer { queue.poster.leave() }
        return postEmpty(to: queue)
    }

    private func postEmpty(to queue: StressQueue) -> Bool {
        guard queue.poster.begin() else { return false }
        let wire = queue.poster.commit(context: 1, tag: 0)
        queue.post(StressQueue.Entry(wire: wire, keys: (0, 0), isSignaled: true))
        return true
    }

    // MARK: Device and poller

    /// Executes and completes whatever is posted, until nothing more can come.
    func executeAndPoll() {
        var isLast = false
        while true {
            var isQuiet = true
            for queue in queues {
                guard let entry = queue.take() else { continue }
                isQuiet = false
                touch(entry.keys.0)
                touch(entry.keys.1)
                if entry.isSignaled, fixture.mappings.complete(entry.wire) == nil { note() }
            }
            guard isQuiet else { continue }
            if isLast { return }
            isLast = postersLeft.load(ordering: .acquiring) == 0
            sched_yield()
        }
    }

    /// Key 0 stands for a request without elements.
    private func touch(_ key: UInt32) {
        guard key > 0 else { return }
        if isMapped[Int(key)].value.load(ordering: .relaxed) != 1 { note() }
        uses[Int(key)].value.subtract(1, ordering: .relaxed)
    }

    private func note() {
        findings.add(1, ordering: .relaxed)
    }

    // MARK: Releaser

    /// Replaces the shared mappings one after the other, and frees each as soon as it is idle.
    func replaceMappings(seed: UInt64) {
        var random = RandomSource(seed: seed)
        var current = [MappingID?](repeating: nil, count: Self.sharedCount)
        var closing: [(id: MappingID, key: Int)] = []
        var keys = [Int](repeating: 0, count: Self.sharedCount)
        let end = ContinuousClock.now + .seconds(2)
        for key in 1..<Self.mappingCount where ContinuousClock.now < end {
            let place = random.below(Self.sharedCount)
            let old = current[place].map { (id: $0, key: keys[place]) }
            current[place] = publish(key, at: place)
            keys[place] = key
            if let old, fixture.mappings.close(old.id) { closing.append(old) }
            barrier()
            retireIdle(&closing)
            while closing.count > 6 {
                if let queue = random.pick(queues) { forcePost(to: queue) }
                retireIdle(&closing)
            }
        }
        isReleaserDone.store(true, ordering: .releasing)
        while postersLeft.load(ordering: .acquiring) > 0 { sched_yield() }
        for place in 0..<Self.sharedCount {
            if let id = current[place], fixture.mappings.close(id) { closing.append((id, keys[place])) }
        }
        barrier()
        while !closing.isEmpty { retireIdle(&closing) }
    }

    private func publish(_ key: Int, at place: Int) -> MappingID {
        isMapped[key].value.store(1, ordering: .relaxed)
        guard let (id, base) = fixture.mappings.reserve(memory: 0, length: 4 << 30) else {
            fatalError("no slot left")
        }
        fixture.mappings.publish(id, length: 4 << 30, key: UInt32(key))
        addresses[place].value.store(base, ordering: .releasing)
        return id
    }

    private func retireIdle(_ closing: inout [(id: MappingID, key: Int)]) {
        closing.removeAll { id, key in
            guard fixture.mappings.isIdle(id) else { return false }
            if uses[key].value.load(ordering: .relaxed) != 0 { note() }
            isMapped[key].value.store(0, ordering: .relaxed)
            fixture.mappings.retire(id)
            return true
        }
    }

    /// Posts in the poster's stead, as a release does that waits for an unsignaled request.
    private func forcePost(to queue: StressQueue) {
        guard fixture.queues.hold(queue.id) else { return }
        barrier()
        spin { !fixture.queues.isPosting(queue.id) }
        _ = postEmpty(to: queue)
        fixture.queues.release(queue.id)
    }
}
