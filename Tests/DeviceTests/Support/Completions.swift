import LAM

/// A completion queue from which a test takes as many results as it expects.
struct Completions: ~Copyable, Sendable {
    var queue: CompletionQueue
    private var batch = CompletionBatch(capacity: 64)
    /// Polled, and not taken yet.
    private var ready: [Completion] = []

    init(
        of adapter: Adapter, depth: Int = 16, notify: (@Sendable (CompletionQueueNotification) -> Void)? = nil
    ) throws {
        queue = try adapter.createCompletionQueue(depth: depth, notify: notify)
    }

    /// What is missing after a time that is long also under emulation.
    struct Missing: Error, CustomStringConvertible {
        let asked: Int
        let found: [Completion]
        var description: String { "\(asked) completions were to come, but these came: \(found)" }
    }

    /// Takes the next results, waiting for them.
    mutating func next(_ count: Int = 1, within patience: Duration = .seconds(20)) throws -> [Completion] {
        while ready.count < count {
            guard try queue.wait(into: &batch, atMost: patience) > 0 else { throw Missing(asked: count, found: ready) }
            batch.forEach { ready.append($0) }
        }
        defer { ready.removeFirst(count) }
        return Array(ready.prefix(count))
    }

    /// Takes the next results, polling for them, which arms nothing.
    mutating func polled(_ count: Int = 1, within patience: Duration = .seconds(20)) throws -> [Completion] {
        let end = ContinuousClock.now + patience
        while ready.count < count {
            guard ContinuousClock.now < end else { throw Missing(asked: count, found: ready) }
            ready += poll()
        }
        defer { ready.removeFirst(count) }
        return Array(ready.prefix(count))
    }

    /// Takes the results that are there.
    mutating func poll() -> [Completion] {
        while queue.poll(into: &batch) > 0 { batch.forEach { ready.append($0) } }
        defer { ready = [] }
        return ready
    }

    /// Takes the results that come within a time, which none should be.
    mutating func poll(for patience: Duration) -> [Completion] {
        let end = ContinuousClock.now + patience
        var found: [Completion] = []
        while ContinuousClock.now < end { found += poll() }
        return found
    }
}
