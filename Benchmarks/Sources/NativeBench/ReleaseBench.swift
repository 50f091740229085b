import LAM
import Measuring
import StubProvider

/// What the release call costs its caller while requests are outstanding.
struct ReleaseBench {
    private static let batches = 50
    private static let mappingsPerBatch = 64

    func report() throws -> String {
        let adapter = try Adapter.open()
        let buffer = try PageBuffer(count: 4096)
        var completions = try adapter.createCompletionQueue(depth: 512)
        var queuePair = try adapter.createQueuePair(completions: completions)
        try queuePair.connect(to: queuePair.address)
        var batch = CompletionBatch(capacity: 128)
        var samples = Samples()
        for _ in 0..<Self.batches {
            stub_hold_completions(1)
            for _ in 0..<Self.mappingsPerBatch {
                let mapping = try adapter.buildLam(over: buffer)
                try queuePair.write(mapping, 0..<4096, to: RemoteMemory(address: 0x1000, key: 7))
                let start = ContinuousClock.now
                mapping.release()
                samples.add((ContinuousClock.now - start) / .nanoseconds(1))
            }
            stub_hold_completions(0)
            while completions.poll(into: &batch) > 0 {}
        }
        let deferred = adapter.statistics.deferredReleases
        return """
            release() with a request outstanding: \(samples.text(digits: 0)) ns, 90 % below \
            \(decimal(samples.quantile(0.9), 0)) ns (target: <= 100 ns); \(deferred) of \
            \(Self.batches * Self.mappingsPerBatch) were deferred
            """
    }
}
