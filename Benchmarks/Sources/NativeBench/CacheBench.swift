import Glibc
import LAM
import Measuring
import StubProvider

/// What it costs to map memory that is registered already, and to release it.
final class CacheBench {
    private static let rounds = 31

    private let adapter: Adapter
    private let cache: RegistrationCache
    private let yardstick = Yardstick()

    init() throws {
        adapter = try Adapter.open()
        cache = try Self.cache(of: adapter)
    }

    static func cache(of adapter: Adapter) throws -> RegistrationCache {
        try adapter.createCache(CacheOptions(limitBytes: 1 << 30, idleLimit: .seconds(3600)))
    }

    func report() throws -> String {
        var table = Table("mapped from a cache and released, in random order", "processor time, ns", "target")
        for count in [1, 128, 1024, 16_384] {
            let buffers = try ShuffledBuffers(count)
            let one = try measure([(cache, buffers)])
            let two = try measure([(cache, buffers), (cache, buffers)])
            let apart = try measure([(cache, buffers), (Self.cache(of: Adapter.open()), ShuffledBuffers(count))])
            table.add("one of \(count)", one.text(digits: 1), "6: <= 12 ns")
            table.add("the same, two threads at once, each", two.text(digits: 1), "6: <= 1.2 x")
            table.add("two threads that share nothing, each", apart.text(digits: 1), "")
        }
        let (other, unmap) = try measureAfterCalls()
        table.add("one of 1024, each right after an unrelated mprotect", other.text(digits: 1), "")
        table.add("the same after an unrelated munmap", unmap.text(digits: 1), "7: + 0")
        let miss = try measureMisses()
        table.add("built without a cache", miss.baseline.text(digits: 1), "")
        table.add("mapped for the first time, beyond that", miss.difference.text(digits: 1), "9: <= 150 ns")
        yardstick.add(to: &table)
        return "\(table.text)\n\n\(try RegisteringBench().report())"
    }

    /// Maps and releases one buffer, for whoever counts instructions.
    func run(_ count: Int) throws {
        try Self.hit(count, cache, try ShuffledBuffers(1))
    }

    /// Maps each of so many buffers for the first time, and keeps them all mapped; for whoever counts instructions.
    func runMisses(_ count: Int) throws {
        try Self.hit(count, cache, try ShuffledBuffers(count))
    }

    /// Has a thread for each of the parts map and release its buffers.
    private func measure(_ parts: [(cache: RegistrationCache, buffers: ShuffledBuffers)]) throws -> Samples {
        var samples = Samples()
        for round in 0...Self.rounds {
            let times = try Threads.run(parts.count) { number in
                let (cache, buffers) = parts[number]
                let count = max(100_000, buffers.order.count)
                // The first pass finds what other threads registered; it is not measured.
                try Self.hit(buffers.order.count, cache, buffers)
                return try processorNanoseconds { try Self.hit(count, cache, buffers) } / Double(count)
            }
            yardstick.measure()
            guard round > 0 else { continue }
            for time in times { samples.add(time) }
        }
        return samples
    }

    @inline(never)
    static func hit(_ count: Int, _ cache: RegistrationCache, _ buffers: ShuffledBuffers) throws {
        try buffers.order.withUnsafeBufferPointer { order in
            var position = 0
            for _ in 0..<count {
                try unsafe cache.buildLam(over: order[position]).release()
                position += 1
                if position == order.count { position = 0 }
            }
        }
    }

    /// Hits after a system call that concerns other memory: one that leaves it mapped, and one that does not.
    private func measureAfterCalls() throws -> (other: Samples, unmap: Samples) {
        let buffers = try ShuffledBuffers(1024)
        try Self.hit(1024, cache, buffers)
        let unrelated = mmap(nil, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        var samples = (other: Samples(), unmap: Samples())
        for round in 0...Self.rounds {
            let other = try measureHits(buffers) { mprotect(unrelated, 4096, $0 & 1 == 0 ? PROT_NONE : PROT_READ) }
            let unmap = try measureHits(buffers) { _ in
                munmap(mmap(nil, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096)
            }
            guard round > 0 else { continue }
            samples.other.add(other)
            samples.unmap.add(unmap)
        }
        munmap(unrelated, 4096)
        return samples
    }

    /// What a hit takes after each call of `before`, less what looking at the clock does.
    private func measureHits(_ buffers: ShuffledBuffers, after before: (_ index: Int) -> CInt) throws -> Double {
        var time = 0.0
        for index in 0..<256 {
            _ = before(index)
            let buffer = buffers.order[index]
            time += try nanoseconds { try unsafe cache.buildLam(over: buffer).release() }
        }
        for _ in 0..<256 { time -= nanoseconds {} }
        return time / 256
    }

    /// Memory that is mapped for the first time, beside the same without a cache: a thousand registrations that stay.
    private func measureMisses() throws -> (baseline: Samples, difference: Samples) {
        let buffers = try ShuffledBuffers(1000)
        let alone = try Self.cache(of: adapter)
        let kept = buffers.all.map { _ in Kept() }
        // Each round ends by freeing them all.
        stub_keep_freed_memory()
        var samples = (baseline: Samples(), difference: Samples())
        for round in 0...Self.rounds {
            var times = (cached: 0.0, plain: 0.0)
            for (buffer, kept) in zip(buffers.all, kept) {
                times.cached += try nanoseconds { try alone.buildLam(over: buffer).release() }
                times.plain += try nanoseconds { kept.mapping = try adapter.buildLam(over: buffer) }
            }
            alone.trim()
            for kept in kept { _ = kept.mapping.take()?.tryRelease() }
            guard round > 0 else { continue }
            samples.baseline.add(times.plain / 1000)
            samples.difference.add((times.cached - times.plain) / 1000)
        }
        return samples
    }

    /// A mapping that stays for a while.
    private final class Kept {
        var mapping: LogicalAddressMapping?
    }
}

/// Buffers of a page each, in an order that no prefetcher guesses.
final class ShuffledBuffers: Sendable {
    static let pageBytes = 4096

    let all: [PageBuffer]
    /// Where they are: as in C, nobody counts references to what he keeps all the time.
    let order: [MemoryDescriptor]

    init(_ count: Int) throws {
        all = try (0..<count).map { _ in try PageBuffer(count: Self.pageBytes) }
        order = all.map(\.descriptor).shuffled()
    }
}
