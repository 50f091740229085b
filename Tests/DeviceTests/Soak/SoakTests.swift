import LAM
import TestSupport
import Testing

extension OnDevice {
    /// Many cycles of build, post, complete and release. What is left of them the kernel says after the suites.
    @Suite("A long run", .timeLimit(.minutes(14)))
    struct SoakTests {
        private static let cycles = 200_000
        private static let workers = 4

        @Test("[32] [39] [55] of builds, requests and releases in any order leaves nothing live and nothing pinned")
        func everything() throws {
            let pinned = try DeviceOracle.pinnedKilobytes()
            let adapter = try Pair.openAdapter()
            let threads = (0..<Self.workers).map { number in
                TestThread {
                    do {
                        var worker = try SoakWorker(on: adapter, seed: UInt64(number))
                        for _ in 0..<Self.cycles / Self.workers { try worker.cycle() }
                        try worker.finish()
                    } catch {
                        Issue.record("worker \(number): \(error)")
                    }
                }
            }
            threads.forEach { $0.join() }
            // What was released early is unpinned soon.
            try adapter.close(waiting: .seconds(10))
            let statistics = adapter.statistics
            // Each worker's target is a mapping, too.
            #expect(statistics.builds == Self.cycles + Self.workers)
            #expect(statistics.releases == statistics.builds)
            #expect(statistics.refusedDeregistrations == 0)
            #expect(statistics.strayCompletions == 0)
            #expect(try DeviceOracle.pinnedKilobytes() == pinned)
        }
    }
}

/// One connection, whose near end writes to its far end and reads from it.
private struct SoakWorker: ~Copyable {
    private static let bytes = 64 << 10

    private var pair: Pair
    private let target: Target
    private var random: SeededNumbers
    private let memory: DeviceMemory
    /// Requests that have a completion which nobody saw yet.
    private var expected = 0

    init(on adapter: Adapter, seed: UInt64) throws {
        let memory = try DeviceMemory(pages: Self.bytes / DeviceMemory.pageSize)
        var pair = try Pair(of: adapter)
        let target = try pair.openTarget(count: Self.bytes)
        self.memory = memory
        self.pair = pair
        self.target = target
        random = SeededNumbers(seed: seed)
    }

    /// A mapping of some of the memory, a request over some of the mapping, and a release before or after its end.
    mutating func cycle() throws {
        let offset = Int.random(in: 0..<Self.bytes, using: &random)
        // Mostly small ones.
        let limit = min(Self.bytes - offset, Bool.random(using: &random) ? 4096 : Self.bytes)
        let count = Int.random(in: 1...limit, using: &random)
        let mapping = try unsafe pair.adapter.buildLam([memory.descriptor(offset, count)])
        let isSilent = Int.random(in: 0..<4, using: &random) == 0
        if expected == Pair.capacity.sendDepth { try expectSuccess(count: expected) }
        try post(mapping, 0..<min(count, 256), isSilent: isSilent)
        // Most are released early: waiting is what takes time here.
        if isSilent || Int.random(in: 0..<8, using: &random) > 0 { return mapping.release() }
        try expectSuccess(count: expected)
        expectIdle(mapping)
    }

    private mutating func post(
        _ mapping: borrowing LogicalAddressMapping, _ bytes: Range<Int>, isSilent: Bool
    ) throws {
        let flags: RequestFlags = isSilent ? .silentSuccess : []
        let isWrite = Bool.random(using: &random)
        while true {
            do throws(PostError) {
                if isWrite {
                    try pair.near.queuePair.write(mapping, bytes, to: target.remote, flags: flags)
                } else {
                    try pair.near.queuePair.read(into: mapping, bytes, from: target.remote, flags: flags)
                }
                if !isSilent { expected += 1 }
                return
            } catch {
                // Silent requests fill it, too; polling takes them back.
                guard case .queueFull = error else { throw error }
                try expectSuccess(count: expected)
            }
        }
    }

    private mutating func expectSuccess(count: Int) throws {
        for completion in count > 0 ? try pair.near.completions.next(count) : pair.near.completions.poll() {
            #expect(completion.status == .success)
        }
        expected = 0
    }

    /// Takes the last results, and ends everything but the adapter.
    consuming func finish() throws {
        try expectSuccess(count: expected)
        target.close()
        pair.closeQueuePairs()
    }
}
