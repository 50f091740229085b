import LAM
import Measuring
import StubProvider
import Synchronization

/// How long the slowest hits of a cache take, one by one, while another thread has the cache register memory all the time.
final class RegisteringBench: Sendable {
    private static let hits = 200_000
    private static let rounds = 15
    private static let registrationMicroseconds: UInt32 = 2000

    private let cache: RegistrationCache
    private let hot: [PageBuffer]
    /// So many that none is mapped a second time.
    private let cold: [PageBuffer]
    private let registered = Atomic<Int>(0)
    private let isOver = Atomic<Bool>(false)

    init() throws {
        cache = try CacheBench.cache(of: Adapter.open())
        hot = try (0..<1024).map { _ in try PageBuffer(count: 4096) }
        cold = try (0..<10_000).map { _ in try PageBuffer(count: 4096) }
    }

    func report() throws -> String {
        var table = Table(
            "one of 1024 mapped from a cache and released, each timed, ns", "median", "99 %", "99.9 %", "target")
        try measure("nothing else goes on", threads: 1, in: &table)
        stub_set_registration_time(Self.registrationMicroseconds)
        defer { stub_set_registration_time(0) }
        try measure("another thread registers, 2 ms each time", threads: 2, in: &table, target: "8: <= 1000")
        let count = registered.load(ordering: .relaxed)
        return "\(table.text)\n\(count) registrations meanwhile; a look at the clock is part of each time"
    }

    /// Quantiles of each round's hits, and of those the medians over the rounds.
    private func measure(_ name: String, threads: Int, in table: inout Table, target: String = "") throws {
        let fractions = [0.5, 0.99, 0.999]
        let quantiles = SharedSamples(fractions.count)
        isOver.store(false, ordering: .relaxed)
        _ = try Threads.run(threads) { [self] number in
            if number > 0 {
                try registerUntilOver()
            } else {
                for round in 0...Self.rounds {
                    let times = try timeHits()
                    if round > 0 { quantiles.add(fractions.map(times.quantile)) }
                }
                isOver.store(true, ordering: .relaxed)
            }
            return 0
        }
        let cells = quantiles.samples.map { decimal($0.median, 0) }
        table.add(name, cells[0], cells[1], cells[2], target)
    }

    private func timeHits() throws -> Samples {
        var samples = Samples()
        for index in 0..<Self.hits {
            // The order is not the one they were made in, and no two in a row are neighbours.
            let buffer = hot[index &* 389 & 1023]
            samples.add(try nanoseconds { try cache.buildLam(over: buffer).release() })
        }
        return samples
    }

    private func registerUntilOver() throws {
        for buffer in cold {
            if isOver.load(ordering: .relaxed) { return }
            try cache.buildLam(over: buffer).release()
            registered.wrappingAdd(1, ordering: .relaxed)
        }
    }

    /// Samples that one thread fills and another reads when that has ended.
    private final class SharedSamples: @unchecked Sendable {
        private(set) var samples: [Samples]

        init(_ count: Int) {
            samples = Array(repeating: Samples(), count: count)
        }

        func add(_ values: [Double]) {
            for (index, value) in values.enumerated() { samples[index].add(value) }
        }
    }
}
