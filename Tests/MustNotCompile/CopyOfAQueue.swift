import LAM

func copyOfACompletionQueue(_ adapter: Adapter) throws {
    // expected-error@+1 {{'completions' used after consume}}
    var completions = try adapter.createCompletionQueue(depth: 8)
    // expected-note@+1 {{consumed here}}
    var copy = completions
    var batch = CompletionBatch()
    _ = copy.poll(into: &batch)
    // expected-note@+1 {{used here}}
    _ = completions.poll(into: &batch)
}

// expected-error@+1 {{'queuePair' used after consume}}
func copyOfAQueuePair(_ queuePair: consuming QueuePair, _ mapping: borrowing LogicalAddressMapping) throws {
    // expected-note@+1 {{consumed here}}
    var copy = queuePair
    try copy.send(mapping, 0..<8)
    // expected-note@+1 {{used here}}
    try queuePair.send(mapping, 0..<8)
}

// expected-error@+1 {{'queuePair' used after consume}}
func postOnAClosedQueuePair(_ queuePair: consuming QueuePair, _ mapping: borrowing LogicalAddressMapping) throws {
    // expected-note@+1 {{consumed here}}
    queuePair.close()
    // expected-note@+1 {{used here}}
    try queuePair.send(mapping, 0..<8)
}

func postOnAClosedSharedQueue(
    // expected-error@+1 {{'shared' used after consume}}
    _ shared: consuming SharedReceiveQueue, _ mapping: borrowing LogicalAddressMapping
) throws {
    // expected-note@+1 {{consumed here}}
    try shared.close()
    // expected-note@+1 {{used here}}
    try shared.receive(into: mapping, 0..<8)
}
