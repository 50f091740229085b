import LAM

func pollOfABorrowedQueue(_ completions: borrowing CompletionQueue, _ batch: inout CompletionBatch) {
    // expected-error@+1 {{cannot use mutating member on immutable value: 'completions' is a 'let' constant}}
    _ = completions.poll(into: &batch)
}

func postOnABorrowedQueuePair(_ queuePair: borrowing QueuePair, _ mapping: borrowing LogicalAddressMapping) throws {
    // expected-error@+1 {{cannot use mutating member on immutable value: 'queuePair' is a 'let' constant}}
    try queuePair.send(mapping, 0..<8)
}

func postOnABorrowedSharedQueue(
    _ shared: borrowing SharedReceiveQueue, _ mapping: borrowing LogicalAddressMapping
) throws {
    // expected-error@+1 {{cannot use mutating member on immutable value: 'shared' is a 'let' constant}}
    try shared.receive(into: mapping, 0..<8)
}
