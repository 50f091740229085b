/// A call that waits for events: how to tell it that it is over, and when it will wait no longer.
struct PendingCall: Sendable {
    typealias Completion = @Sendable (Result<Void, ConnectionError>) -> Void

    /// Names the call in a cancellation.
    let number: UInt64
    let limit: Duration
    private let begun = MonotonicTime.now
    private let completion: Completion

    init(number: UInt64, limit: Duration, completion: @escaping Completion) {
        self.number = number
        self.limit = limit
        self.completion = completion
    }

    var deadline: MonotonicTime { begun.advanced(by: limit) }
    var elapsed: Duration { MonotonicTime.now.duration(since: begun) }

    func succeed() {
        completion(.success(()))
    }

    func fail(_ error: ConnectionError) {
        completion(.failure(error))
    }
}
