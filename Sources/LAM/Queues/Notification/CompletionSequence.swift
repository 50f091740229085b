/// The results of a completion queue as they come, to be iterated with `for try await`.
///
/// A result leaves the queue when the iteration gives it, and not before: an iteration that ends, because its task is
/// cancelled or for any other reason, loses none, and another one goes on where it ended. Several tasks may iterate at
/// the same time; each result goes to one of them.
///
/// An iteration waits by arming the queue, as ``CompletionQueue/notified(of:)`` does, and keeps no thread waiting. It
/// throws ``AdapterError/completionsLost`` or ``AdapterError/deviceFailed`` after the last result of a queue that failed.
public final class CompletionSequence: AsyncSequence, Sendable {
    /// The queue, to create queue pairs that complete here. It is polled by the iteration alone.
    public let queue: CompletionQueue
    private let results = Monitor(Results())

    private struct Results: ~Copyable {
        var batch = CompletionBatch()
        var givenCount = 0
    }

    init(_ queue: consuming CompletionQueue) {
        self.queue = queue
    }

    /// Begins an iteration.
    public func makeAsyncIterator() -> Iterator { Iterator(sequence: self) }

    /// An iteration over the results of a completion queue.
    public struct Iterator: AsyncIteratorProtocol {
        let sequence: CompletionSequence

        /// Waits for a result.
        ///
        /// - Parameter actor: where the caller runs; the wait does not hold it up.
        /// - Returns: the next one; nil when the task is cancelled.
        /// - Throws: ``AdapterError/completionsLost``, ``AdapterError/deviceFailed``, and as ``CompletionQueue/arm(for:)``.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(AdapterError) -> Completion? {
            while !Task.isCancelled {
                if let completion = sequence.take() { return completion }
                let notification = try await sequence.queue.core.notified { [sequence] () throws(AdapterError) in
                    try sequence.arm()
                }
                guard notification != nil, let failure = sequence.queue.core.failure else { continue }
                if let completion = sequence.take() { return completion }
                throw failure.error
            }
            return nil
        }
    }

    /// Takes the next result, if there is one.
    private func take() -> Completion? {
        results.withLock { results in
            if results.givenCount == results.batch.count {
                results.givenCount = 0
                queue.core.pollInTurn(into: &results.batch)
            }
            guard results.givenCount < results.batch.count else { return nil }
            defer { results.givenCount += 1 }
            return results.batch[results.givenCount]
        }
    }

    /// Under the lock, because one thread at a time may poll and arm.
    private func arm() throws(AdapterError) {
        try results.withLock { (_) throws(AdapterError) in try queue.core.arm(for: .any, isForOwner: false) }
    }
}

extension CompletionQueue {
    /// Gives the queue to whoever iterates over its results.
    ///
    /// Polling is quicker for results that come all the time: it allocates nothing and waits for nobody.
    public consuming func completions() -> CompletionSequence { CompletionSequence(self) }
}
