import Glibc
import Synchronization
import Verbs

/// What waits for the connection thread of an adapter.
final class ConnectionMailbox: Sendable {
    /// Work for the thread. What it gets cannot leave the thread, because it is not `Sendable`.
    typealias Errand = @Sendable (ConnectionTable) -> Void

    struct Content: Sendable {
        var errands: [Errand] = []
        var isStopping = false
    }

    private let content = Monitor(Content())
    private let wakeUp: WakeUp
    private let numbers = Atomic<UInt64>(0)

    init() throws(VerbError) {
        wakeUp = try WakeUp()
    }

    /// A number for a connection, a listener or a call, never given twice.
    func nextNumber() -> UInt64 {
        // Only uniqueness matters.
        numbers.wrappingAdd(1, ordering: .relaxed).newValue
    }

    // MARK: Handing work over

    /// Has an errand run on the thread, after all earlier ones.
    ///
    /// - Returns: false if the thread has ended and the errand will not run.
    @discardableResult
    func run(_ errand: @escaping Errand) -> Bool {
        let isTaken = content.withLock { content in
            guard !content.isStopping else { return false }
            content.errands.append(errand)
            return true
        }
        if isTaken { wakeUp.ring() }
        return isTaken
    }

    /// Asks the thread for something, and suspends until it answers.
    ///
    /// When the task is cancelled, ``ConnectionTable/cancel(_:)`` is called with the question's number.
    /// - Parameters:
    ///   - otherwise: the answer of a thread that has ended.
    ///   - question: gets the number of the question and what to answer with, once.
    /// - Returns: the answer.
    func ask<Answer: Sendable>(
        otherwise: Answer,
        _ question:
            @escaping @Sendable (
                ConnectionTable, _ number: UInt64, _ answer: @escaping @Sendable (Answer) -> Void
            ) -> Void
    ) async -> Answer {
        let number = nextNumber()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isTaken = run { table in
                    question(table, number) { continuation.resume(returning: $0) }
                }
                guard isTaken else { return continuation.resume(returning: otherwise) }
                // A task that was cancelled before has cancelled a question that nobody knew.
                if Task.isCancelled { run { $0.cancel(number) } }
            }
        } onCancel: {
            run { $0.cancel(number) }
        }
    }

    /// Asks the thread for something that it answers at once, and waits for the answer.
    ///
    /// Not for the thread itself.
    func askAndWait<Answer: Sendable>(
        otherwise: Answer, _ question: @escaping @Sendable (ConnectionTable) -> Answer
    ) -> Answer {
        let answer = Monitor<Answer?>(nil)
        let isTaken = run { table in
            let found = question(table)
            answer.withLock { $0 = found }
            answer.signal()
        }
        return isTaken ? answer.wait { $0 } ?? otherwise : otherwise
    }

    /// Begins a call on the thread, which tells `completion` once when it is over.
    ///
    /// - Parameters:
    ///   - limit: how long the call may wait for events.
    ///   - completion: is told ``ConnectionError/adapterClosed``, at once, where the thread has ended.
    ///   - begin: begins it.
    func begin(
        limit: Duration, _ completion: @escaping PendingCall.Completion,
        _ begin: @escaping @Sendable (ConnectionTable, PendingCall) -> Void
    ) {
        let call = PendingCall(number: nextNumber(), limit: limit, completion: completion)
        if !run({ begin($0, call) }) { call.fail(.adapterClosed) }
    }

    /// Begins a call on the thread, and suspends until it is over or the task is cancelled.
    ///
    /// - Parameters:
    ///   - limit: how long the call may wait for events; ``ConnectionTable/expire()`` sees to that.
    ///   - begin: begins it.
    /// - Throws: what the call ends with; ``ConnectionError/adapterClosed`` where the thread has ended.
    func perform(
        limit: Duration, _ begin: @escaping @Sendable (ConnectionTable, PendingCall) -> Void
    ) async throws(ConnectionError) {
        let result: Result<Void, ConnectionError> = await ask(otherwise: .failure(.adapterClosed)) {
            (table, number, answer) in
            begin(table, PendingCall(number: number, limit: limit, completion: answer))
        }
        try result.get()
    }

    /// Asks the thread to end.
    func stop() {
        content.withLock { $0.isStopping = true }
        wakeUp.ring()
    }

    // MARK: The thread's side

    /// Takes everything out.
    func take() -> Content {
        content.withLock { content in
            defer { content.errands = [] }
            return content
        }
    }

    /// Sleeps until there is something in the box, `descriptor` is readable, or the deadline is there.
    func wait(besides descriptor: CInt, until deadline: MonotonicTime?) {
        // Nothing is taken from the descriptor here, so nothing can fail.
        _ = try? wakeUp.wait(besides: descriptor, until: deadline) {}
    }
}
