/// What a completion queue tells whoever armed it.
@nonexhaustive
public enum CompletionQueueNotification: Hashable, Sendable {
    /// Something came that the queue was armed for. Poll, then arm again: once polled, it is not told of any more.
    case ready
    /// The device lost results of this queue, or gave the queue up. Nothing more completes here, and every queue pair that
    /// completes here is being ended.
    case completionsLost
    /// The device failed as a whole, or was removed. Nothing more completes here or on any queue of the adapter, and every
    /// queue pair is being ended.
    case deviceFailed
}
