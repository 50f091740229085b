import Glibc
import LAM
import Measuring
import StubProvider

/// What it costs to cut a mapping from an arena and to release it.
final class ArenaBench {
    private static let blockBytes = 4096
    private static let operations = 200_000
    private static let rounds = 51

    private let adapter: Adapter
    private let arena: Arena
    private let yardstick = Yardstick()

    init() throws {
        adapter = try Adapter.open()
        arena = try Self.arena(of: adapter)
    }

    private static func arena(of adapter: Adapter) throws -> Arena {
        try adapter.createArena(ArenaOptions(budgetBytes: 256 << 20))
    }

    func report() throws -> String {
        var table = Table("4 KiB cut from an arena and released", "processor time, ns", "target")
        let apart = try Self.arena(of: Adapter.open())
        table.add("one thread", try measure([arena]).text(digits: 1), "<= 20 ns")
        table.add("two threads at once, each", try measure([arena, arena]).text(digits: 1), "<= 20 ns")
        table.add("two threads that share nothing, each", try measure([arena, apart]).text(digits: 1), "")
        var posted = try PostedCuts(adapter, arena)
        let used = try posted.measure(rounds: Self.rounds, operations: Self.operations)
        table.add("posted in between, beyond what posting a standing mapping takes", used.text(digits: 1), "")
        yardstick.add(to: &table)
        return table.text
    }

    /// What the loops of all threads take, by each thread's own clock: what else the machine does is left out.
    private func measure(_ arenas: [Arena]) throws -> Samples {
        var samples = Samples()
        for round in 0...Self.rounds {
            let times = try Threads.run(arenas.count) { number in
                try processorNanoseconds { try Self.cut(Self.operations, arenas[number]) }
            }
            yardstick.measure()
            guard round > 0 else { continue }
            for time in times { samples.add(time / Double(Self.operations)) }
        }
        return samples
    }

    /// Cuts and releases mappings, for whoever counts instructions.
    func run(_ count: Int) throws {
        try Self.cut(count, arena)
    }

    @inline(never)
    private static func cut(_ count: Int, _ arena: Arena) throws {
        for _ in 0..<count {
            try arena.buildLam(length: blockBytes).release()
        }
    }
}

/// Each mapping posted once before it is released, beside one mapping that is posted all the time.
private struct PostedCuts: ~Copyable {
    private let arena: Arena
    private let standing: LogicalAddressMapping
    private var completions: CompletionQueue
    private var queuePair: QueuePair
    private var batch = CompletionBatch(capacity: 64)
    private static let remote = RemoteMemory(address: 0x1000, key: 7)

    init(_ adapter: Adapter, _ arena: Arena) throws {
        let standing = try arena.buildLam(length: 4096)
        let completions = try adapter.createCompletionQueue(depth: 512)
        let queuePair = try adapter.createQueuePair(completions: completions)
        try queuePair.connect(to: queuePair.address)
        self.arena = arena
        self.standing = consume standing
        self.queuePair = consume queuePair
        self.completions = consume completions
    }

    /// The difference for one request.
    mutating func measure(rounds: Int, operations: Int) throws -> Samples {
        var difference = Samples()
        for round in 0...rounds {
            let cut = try nanoseconds { try postCuts(operations) }
            let standing = try nanoseconds { try postStanding(operations) }
            if round > 0 { difference.add((cut - standing) / Double(operations)) }
        }
        return difference
    }

    @inline(never)
    private mutating func postCuts(_ count: Int) throws {
        for index in 0..<count {
            let mapping = try arena.buildLam(length: 4096)
            try queuePair.write(mapping, 0..<4096, to: Self.remote, flags: Self.flags(index))
            mapping.release()
            poll(index)
        }
    }

    @inline(never)
    private mutating func postStanding(_ count: Int) throws {
        for index in 0..<count {
            try queuePair.write(standing, 0..<4096, to: Self.remote, flags: Self.flags(index))
            poll(index)
        }
    }

    /// One of 64 completes, and with it the others.
    private static func flags(_ index: Int) -> RequestFlags {
        index & 63 == 63 ? [] : .silentSuccess
    }

    private mutating func poll(_ index: Int) {
        guard index & 63 == 63 else { return }
        while completions.poll(into: &batch) == 0 {}
    }
}
