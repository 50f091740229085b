import LAM

func mappingInTwoTasks(_ adapter: Adapter, _ buffer: PageBuffer) throws {
    let mapping = try adapter.buildLam(over: buffer)
    // expected-error@+3 {{sending value of non-Sendable type '() async -> ()' risks causing data races}}
    // expected-note@+2 {{Passing value of non-Sendable type '() async -> ()'}}
    // expected-error@+1 {{noncopyable 'mapping' cannot be consumed}}
    Task { await mapping.released() }
    // expected-note@+2 {{access can happen concurrently}}
    // expected-error@+1 {{noncopyable 'mapping' cannot be consumed}}
    Task { await mapping.released() }
}

func pollInTwoTasks(_ adapter: Adapter) async throws {
    var completions = try adapter.createCompletionQueue(depth: 8)
    // expected-error@+2 {{sending 'completions' risks causing data races}}
    // expected-note@+1 {{sending 'completions' into async let risks causing data races}}
    async let first = pollOnce(&completions)
    // expected-note@+1 {{access can happen concurrently}}
    async let second = pollOnce(&completions)
    _ = await (first, second)
}

func pollOnce(_ completions: inout CompletionQueue) async -> Int {
    var batch = CompletionBatch()
    return completions.poll(into: &batch)
}

func postInTwoTasks(_ queuePair: consuming QueuePair, _ element: ScatterGatherElement) {
    var queuePair = queuePair
    // expected-error@+2 {{sending value of non-Sendable type '() async throws -> ()' risks causing data races}}
    // expected-note@+1 {{Passing value of non-Sendable type '() async throws -> ()'}}
    Task { try queuePair.send([element].span) }
    // expected-note@+1 {{access can happen concurrently}}
    Task { try queuePair.send([element].span) }
}
