import LAM

/// Two queue pairs of one adapter that are connected to each other.
struct Loop: ~Copyable {
    var near: QueuePair
    var far: QueuePair
    var completions: CompletionQueue
    private var farCompletions: CompletionQueue
    private var batch = CompletionBatch(capacity: 32)
    private let landing: LogicalAddressMapping

    init(_ adapter: Adapter) throws {
        let nearCompletions = try adapter.createCompletionQueue(depth: 256)
        let farCompletions = try adapter.createCompletionQueue(depth: 256)
        let near = try adapter.createQueuePair(completions: nearCompletions)
        let far = try adapter.createQueuePair(completions: farCompletions)
        try near.connect(to: far.address)
        try far.connect(to: near.address)
        landing = try adapter.buildLam(over: try PageBuffer(count: 4096))
        completions = nearCompletions
        self.farCompletions = farCompletions
        self.near = near
        self.far = far
    }

    /// Sends a message from the mapping's first bytes and polls nothing but what earlier ones left.
    mutating func exchange(_ mapping: borrowing LogicalAddressMapping) throws {
        _ = completions.poll(into: &batch)
        _ = farCompletions.poll(into: &batch)
        try far.receive(into: landing, 0..<4096)
        try near.send(mapping, 0..<4096)
    }

    /// Waits for the next completion of the near side, which must be a success.
    mutating func wait() {
        while completions.poll(into: &batch) == 0 {}
        batch.forEach { completion in
            guard completion.status == .success else { fatalError("\(completion)") }
        }
    }

    consuming func close() {
        near.close()
        far.close()
    }
}
