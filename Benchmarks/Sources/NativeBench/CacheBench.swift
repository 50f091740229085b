import Glibc
import LAM
import Measuring

/// What it costs to map memory that is registered already, and to release it.
final class CacheBench {
    private static let pageBytes = 4096
    private static let rounds = 31

    private let adapter: Adapter
    private let cache: RegistrationCache

    init() throws {
        adapter = try Adapter.open()
        cache = try adapter.createCache(CacheOptions(limitBytes: 1 << 30, idleLimit: .seconds(3600)))
    }

    func report() throws -> String {
        var table = Table("mapped from a cache and released, in random order", "processor time, ns", "target")
        for count in [1, 128, 1024, 16_384] {
            let buffers = try Buffers(count)
            table.add("one of \(count)", try measure(buffers, threads: 1).text(digits: 1), "6: <= 12 ns")
            table.add(
                "the same, two threads at once, each", try measure(buffers, threads: 2).text(digits: 1), "6: <= 1.2 x")
        }
        table.add(
            "one of 1024, each right after an unrelated munmap", try measureAfterUnmap().text(digits: 1), "7: + 0")
        let miss = try measureMisses()
        table.add("mapped for the first time, beyond a build without a cache", miss.text(digits: 1), "9: <= 150 ns")
        return table.text
    }

    /// Maps and releases one buffer, for whoever counts instructions.
    func run(_ count: Int) throws {
        try Self.hit(count, cache, try Buffers(1))
    }

    private func measure(_ buffers: Buffers, threads: Int) throws -> Samples {
        let count = max(100_000, buffers.order.count)
        var samples = Samples()
        for round in 0...Self.rounds {
            let times = try Threads.run(threads) { [cache] in
                // The first pass finds what other threads registered; it is not measured.
                try Self.hit(buffers.order.count, cache, buffers)
                return try processorNanoseconds { try Self.hit(count, cache, buffers) }
            }
            guard round > 0 else { continue }
            for time in times { samples.add(time / Double(count)) }
        }
        return samples
    }

    @inline(never)
    private static func hit(_ count: Int, _ cache: RegistrationCache, _ buffers: Buffers) throws {
        var position = 0
        for _ in 0..<count {
            try cache.buildLam(over: buffers.order[position]).release()
            position += 1
            if position == buffers.order.count { position = 0 }
        }
    }

    private func measureAfterUnmap() throws -> Samples {
        let buffers = try Buffers(1024)
        try Self.hit(1024, cache, buffers)
        var samples = Samples()
        for round in 0...Self.rounds {
            var time = 0.0
            for index in 0..<256 {
                munmap(mmap(nil, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096)
                let buffer = buffers.order[index]
                time += try nanoseconds { try cache.buildLam(over: buffer).release() }
            }
            let clock = nanosecondsOfClock(256)
            if round > 0 { samples.add((time - clock) / 256) }
        }
        return samples
    }

    private func nanosecondsOfClock(_ count: Int) -> Double {
        var time = 0.0
        for _ in 0..<count { time += nanoseconds {} }
        return time
    }

    /// Memory that is mapped for the first time, beside the same without a cache.
    private func measureMisses() throws -> Samples {
        let buffers = try Buffers(1000)
        let alone = try adapter.createCache(CacheOptions(limitBytes: 1 << 30, idleLimit: .seconds(3600)))
        var samples = Samples()
        for round in 0...Self.rounds {
            var difference = 0.0
            for buffer in buffers.order {
                difference += try nanoseconds { try alone.buildLam(over: buffer).release() }
                var plain: LogicalAddressMapping?
                difference -= try nanoseconds { plain = try adapter.buildLam(over: buffer) }
                _ = plain.take()?.tryRelease()
            }
            alone.trim()
            if round > 0 { samples.add(difference / 1000) }
        }
        return samples
    }

    /// Buffers of a page each, in an order that no prefetcher guesses.
    private final class Buffers: Sendable {
        let order: [PageBuffer]

        init(_ count: Int) throws {
            order = try (0..<count).map { _ in try PageBuffer(count: pageBytes) }.shuffled()
        }
    }
}
