import LAM
import Measuring
import StubProvider

/// What the release call costs its caller while requests are outstanding.
final class ReleaseBench {
    private static let batches = 50
    private static let mappingsPerBatch = 64

    private let adapter: Adapter
    private let buffer: PageBuffer
    private var completions: CompletionQueue
    private var queuePair: QueuePair
    private var batch = CompletionBatch(capacity: 128)

    init() throws {
        adapter = try Adapter.open()
        buffer = try PageBuffer(count: 4096)
        completions = try adapter.createCompletionQueue(depth: 512)
        queuePair = try adapter.createQueuePair(completions: completions)
        try queuePair.connect(to: queuePair.address)
    }

    func report() throws -> String {
        var samples = Samples()
        for _ in 0..<Self.batches {
            try runBatch(Self.mappingsPerBatch) { mapping in
                let start = ContinuousClock.now
                mapping.release()
                samples.add((ContinuousClock.now - start) / .nanoseconds(1))
            }
        }
        let deferred = adapter.statistics.deferredReleases
        return """
            release() with a request outstanding: \(samples.text(digits: 0)) ns, 90 % below \
            \(decimal(samples.quantile(0.9), 0)) ns, of which the clock's own \(decimal(Self.clockCost, 0)) \
            (target 3: <= 100 ns); \(deferred) of \(Self.batches * Self.mappingsPerBatch) were deferred
            """
    }

    /// Releases `count` mappings with requests outstanding, without looking at the clock.
    func run(_ count: Int) throws {
        for _ in 0..<(count / Self.mappingsPerBatch) {
            try runBatch(Self.mappingsPerBatch) { mapping in Self.release(mapping) }
        }
    }

    @inline(never)
    private static func release(_ mapping: consuming LogicalAddressMapping) {
        mapping.release()
    }

    private func runBatch(_ count: Int, _ release: (consuming LogicalAddressMapping) -> Void) throws {
        stub_hold_completions(1)
        for _ in 0..<count {
            let mapping = try adapter.buildLam(over: buffer)
            try queuePair.write(mapping, 0..<4096, to: RemoteMemory(address: 0x1000, key: 7))
            release(mapping)
        }
        stub_hold_completions(0)
        // Not until a poll gives nothing: the reaper, which looks after the released mappings, may be polling just then.
        var missing = count
        while missing > 0 { missing -= completions.poll(into: &batch) }
    }

    /// What two looks at the clock cost when nothing happens in between.
    private static var clockCost: Double {
        var samples = Samples()
        for _ in 0..<1000 {
            let start = ContinuousClock.now
            samples.add((ContinuousClock.now - start) / .nanoseconds(1))
        }
        return samples.median
    }
}
