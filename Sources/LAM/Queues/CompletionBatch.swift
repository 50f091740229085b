public import Verbs

/// Room for the completions of one poll, reused from poll to poll.
///
/// The device writes into it, and nothing is copied until somebody looks at a completion.
public struct CompletionBatch: ~Copyable, Sendable {
    /// Each bears the context and the operation of its request instead of what the device was told.
    @usableFromInline var entries: PollBuffer

    /// Allocates room for `capacity` completions.
    public init(capacity: Int = 32) {
        guard capacity > 0 else { fatalError("CompletionBatch: room for \(capacity) completions") }
        entries = PollBuffer(capacity: capacity)
    }

    /// How many completions one poll can give.
    public var capacity: Int { entries.capacity }

    /// How many the last poll gave.
    @inlinable public var count: Int { entries.count }

    /// The positions of the completions of the last poll.
    @inlinable public var indices: Range<Int> { 0..<count }

    /// One completion of the last poll.
    @inlinable
    public subscript(index: Int) -> Completion { Completion(entries[index]) }

    /// Calls `body` with each completion of the last poll, in order.
    @inlinable
    public func forEach<Failure>(_ body: (Completion) throws(Failure) -> Void) throws(Failure) {
        for index in indices { try body(self[index]) }
    }
}
