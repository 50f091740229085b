import LAM
import TestSupport
import Testing

extension OnDevice {
    /// Many cycles over one arena, from several threads.
    @Suite("A long run over an arena", .timeLimit(.minutes(5)))
    struct ArenaSoakTests {
        private static let cycles = 40_000
        private static let workers = 4

        @Test(
            "[32] [39] [55] of cuts, requests and releases in any order: what is sent is what arrives, nothing is left")
        func everything() throws {
            let adapter = try Pair.openAdapter()
            let arena = try adapter.createArena(ArenaOptions(budgetBytes: 8 << 20, slabBytes: 256 << 10))
            let threads = (0..<Self.workers).map { number in
                TestThread {
                    do {
                        var worker = try ArenaSoakWorker(on: adapter, arena, seed: UInt64(number))
                        for _ in 0..<Self.cycles / Self.workers { try worker.cycle() }
                        worker.finish()
                    } catch {
                        Issue.record("worker \(number): \(error)")
                    }
                }
            }
            threads.forEach { $0.join() }
            #expect(arena.statistics.mappings == 0)
            arena.close()
            try adapter.close(waiting: .seconds(10))
            #expect(adapter.statistics.strayCompletions == 0)
        }
    }
}

/// Sends messages from cut memory into cut memory, and gives most of the memory up before it is used.
private struct ArenaSoakWorker: ~Copyable {
    private var pair: Pair
    private let arena: Arena
    private var random: SeededNumbers
    /// What the last message began with.
    private var sent: UInt8 = 0

    init(on adapter: Adapter, _ arena: Arena, seed: UInt64) throws {
        self.arena = arena
        pair = try Pair(of: adapter)
        random = SeededNumbers(seed: seed)
    }

    mutating func cycle() throws {
        let length = [8, 512, 600, 4096, 20_000][Int(random.next() % 5)]
        sent &+= 1
        let sink = try arena.buildLam(length: length)
        try pair.far.queuePair.receive(into: sink, 0..<length)
        let source = try arena.buildLam(length: length)
        source.fill(with: sent)
        let isSilent = random.next() % 2 == 0
        try pair.near.queuePair.send(source, 0..<length, flags: isSilent ? .silentSuccess : [])
        // The request has the memory from here on.
        source.release()
        let received = try pair.far.completions.next()[0]
        guard received.status == .success, received.byteCount == length else { throw Wrong(completion: received) }
        let last = UInt8(truncatingIfNeeded: length - 1) &* 3 &+ sent
        guard sink.bytes(0..<1) == [sent], sink.bytes(length - 1..<length) == [last] else {
            throw Wrong(completion: received)
        }
        if !isSilent { _ = try pair.near.completions.next() }
        sink.release()
    }

    consuming func finish() {
        pair.closeQueuePairs()
    }

    /// Something else came than was sent.
    struct Wrong: Error {
        let completion: Completion
    }
}
