import CNDK
import Glibc
import LAM
import NDK
import Synchronization
import TestSupport
import TrackingModel
import Turns
import Verbs

/// Random calls of every function of the C interface, over a device in memory.
///
/// A run is a sequence of lives. Each opens an adapter or two, calls one random function after the other with arguments
/// that are good or bad, while device and peers do what they like, and closes everything; then nothing may be left.
final class FuzzRun {
    private(set) var record: Program.Record
    private let seed: UInt64

    init(seed: UInt64, _ canary: FuzzCanary?) {
        self.seed = seed
        record = Program.Record(canary)
    }

    /// How many calls there were.
    var calls: Int { record.tally.count }

    /// Makes at least `count` calls.
    ///
    /// - Throws: what was found.
    func run(calls count: Int, _ progress: (Int) -> Void) throws(Violation) {
        var random = RandomSource(seed: seed)
        while calls < count {
            let length = 500 + random.below(5_000)
            let life = Life(record, seed: random.next())
            defer { record = life.program.record }
            try life.run(min(length, count - calls), progress)
        }
    }
}

/// From opening adapters to closing them.
private final class Life {
    let program: Program
    private let device: FakeDevice
    private let peer: Peer
    private let caller: Caller
    private var random: RandomSource

    init(_ record: Program.Record, seed: UInt64) {
        random = RandomSource(seed: seed)
        program = Program(record)
        device = FakeDevice(
            pinnedPageLimit: random.chance(20) ? 2_000 : .max, carriesOutSendsAtOnce: random.chance(20),
            reportsLastReceives: random.chance(50))
        if random.chance(50) { device.allowModeration(upTo: Moderation(count: 4, microseconds: 20)) }
        peer = Peer(device, seed: random.next())
        caller = Caller(program, seed: random.next())
        let verbs = peer.verbs
        Provider.verbs.withLock { $0 = verbs }
        Callbacks.program.withLock { $0 = program }
    }

    /// Makes so many calls, and those that it takes to close everything.
    func run(_ length: Int, _ progress: (Int) -> Void) throws(Violation) {
        let descriptors = openDescriptors()
        let end = program.calls + length
        while program.calls < end {
            progress(program.calls)
            if program.withLock({ $0.objects[.adapter]?.isEmpty ?? true }) { caller.begin() }
            if random.chance(25) { peer.act() } else { caller.step() }
            if random.below(1_000) == 0 { try closeAnAdapter() }
            try check()
        }
        device.clearFaults()
        try drain()
        while program.withLock({ $0.objects[.adapter]?.isEmpty == false }) { try closeAnAdapter() }
        try expectNothing(descriptors)
    }

    private func check() throws(Violation) {
        if let finding = program.finding { throw Violation(finding) }
    }

    // MARK: The end

    /// Every request that was posted has its result, once its queue pair is flushed: if it succeeded silently, none.
    private func drain() throws(Violation) {
        let queuePairs = program.withLock { $0.objects[.qp] ?? [] }
        for queuePair in queuePairs { unsafe Tables.qp.NdkFlush(Choice(queuePair).pointer()) }
        let isDrained = eventually {
            caller.takeAllResults()
            // A completion queue that failed loses results, on the device.
            return unanswered.count <= device.lostCompletions.values.reduce(0, +)
        }
        try require(isDrained, "no result came for \(unanswered)")
        try check()
    }

    private var unanswered: [String] {
        program.withLock { state in
            // Nobody gets the results of a queue that is closed.
            let queuePairs = (state.objects[.qp] ?? []).filter { $0.queues.allSatisfy(state.isOpen) }
            let missing = state.requests.filter { _, posted in
                !posted.isSilent && queuePairs.contains { $0 === posted.queuePair }
            }
            return missing.map { "\($1.entry.rawValue) \($0)" }
        }
    }

    /// Closes everything that belongs to an adapter, in any order, and the adapter itself.
    private func closeAnAdapter() throws(Violation) {
        guard let adapter = program.withLock({ $0.objects[.adapter]?.first }) else { return }
        program.withLock { state in
            adapter.isEnding = true
            state.ending.append(adapter)
        }
        adapter.loop?.end()
        adapter.loop = nil
        caller.closeEverything(of: adapter)
        caller.call(.closeAdapter, [Choice(adapter)]) {
            unsafe NdkCloseAdapter(UnsafeMutablePointer(bitPattern: adapter.address))
        }
        program.withLock { state in
            state.ending = []
            state.remove(adapter)
        }
        let pending = program.withLock { state in state.calls.values.filter { $0.adapter === adapter } }
        try require(pending.isEmpty, "these never ended: \(pending.map(\.entry.rawValue))")
        try check()
    }

    private func expectNothing(_ descriptors: Int) throws(Violation) {
        try require(device.abandoned.isEmpty, "abandoned: \(device.abandoned)")
        try require(
            eventually { device.liveObjectCount == 0 },
            "left on the device: \(device.liveObjectCounts.filter { $0.value > 0 })")
        try require(device.pinnedPageCount == 0, "\(device.pinnedPageCount) pages are left pinned")
        try require(peer.violations.isEmpty, "harm was done: \(peer.violations)")
        let threads = turns_other_threads()
        try require(eventually { turns_other_threads() == 0 }, "\(threads) threads are left")
        try require(openDescriptors() == descriptors, "descriptors are left open")
    }

    private func openDescriptors() -> Int {
        guard let directory = unsafe opendir("/proc/self/fd") else { return 0 }
        defer { unsafe closedir(directory) }
        var count = 0
        while unsafe readdir(directory) != nil { count += 1 }
        return count
    }
}
