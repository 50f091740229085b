import LAM
import TestSupport
import Testing

extension OnDevice {
    /// Many cycles over one registration cache, from several threads.
    @Suite("A long run over a registration cache", .timeLimit(.minutes(5)))
    struct CacheSoakTests {
        private static let cycles = 4_000
        private static let workers = 4

        @Test(
            "[27] [32] [39] [55] of hits, misses and evictions: what is sent is what arrives, nothing is left or pinned"
        )
        func everything() throws {
            let before = try DeviceOracle.now()
            let adapter = try Pair.openAdapter()
            // Room for half of the buffers.
            let cache = try adapter.createCache(CacheOptions(limitBytes: 8 * CacheSoakWorker.bytes))
            let threads = (0..<Self.workers).map { number in
                TestThread {
                    do {
                        var worker = try CacheSoakWorker(on: adapter, cache, seed: UInt64(number))
                        for _ in 0..<Self.cycles / Self.workers { try worker.cycle() }
                        worker.finish()
                    } catch {
                        Issue.record("worker \(number): \(error)")
                    }
                }
            }
            threads.forEach { $0.join() }
            let found = cache.statistics
            #expect(found.hits > 0 && found.misses > 0 && found.evictions > 0)
            // A registration that is evicted between being found and being mapped counts once more.
            #expect(found.hits + found.misses + found.bypasses >= 2 * Self.cycles)
            cache.close()
            try adapter.close(waiting: .seconds(10))
            #expect(adapter.statistics.strayCompletions == 0)
            #expect(try DeviceOracle.now() == before)
        }
    }
}

/// Sends messages between buffers of its own by cached mappings, most of which are released before they are used.
private struct CacheSoakWorker: ~Copyable {
    static let bytes = 16 << 10

    private var pair: Pair
    private let cache: RegistrationCache
    private let sources: [PageBuffer]
    private let sinks: [PageBuffer]
    private var random: SeededNumbers
    private var sent: UInt8 = 0

    init(on adapter: Adapter, _ cache: RegistrationCache, seed: UInt64) throws {
        let buffers = try (0..<4).map { _ in try PageBuffer(count: Self.bytes) }
        let pair = try Pair(of: adapter)
        self.pair = pair
        self.cache = cache
        sources = Array(buffers[..<2])
        sinks = Array(buffers[2...])
        random = SeededNumbers(seed: seed)
    }

    mutating func cycle() throws {
        let source = sources.randomElement(using: &random)!
        let sink = sinks.randomElement(using: &random)!
        let length = [8, 4096, Self.bytes].randomElement(using: &random)!
        sent &+= 1
        let receiving = try cache.buildLam(over: sink)
        try pair.far.queuePair.receive(into: receiving, 0..<length)
        receiving.release()
        source.copyIn([sent], at: 0)
        source.copyIn([~sent], at: length - 1)
        let isSilent = Bool.random(using: &random)
        let sending = try cache.buildLam(over: source)
        try pair.near.queuePair.send(sending, 0..<length, flags: isSilent ? .silentSuccess : [])
        sending.release()
        if random.next() % 64 == 0 { cache.forget(sink.descriptor) }
        let received = try pair.far.completions.next()[0]
        guard received.status == .success, received.byteCount == length,
            sink.copyOut(0..<1) == [sent], sink.copyOut(length - 1..<length) == [~sent]
        else { throw Wrong(completion: received) }
        if !isSilent { _ = try pair.near.completions.next() }
    }

    consuming func finish() {
        pair.closeQueuePairs()
    }

    /// Something else came than was sent.
    struct Wrong: Error {
        let completion: Completion
    }
}
