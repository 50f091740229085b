import Dispatch
import Glibc

/// SIGINT and SIGTERM as a wish to end, rather than as an end.
///
/// The first signal cancels the task, which then removes what is unfinished and releases what is pinned. A second one
/// ends the process as it would have done without us.
struct Interruption {
    /// The task was ended by a signal.
    struct Ended: Error, CustomStringConvertible {
        let description = "interrupted"
    }

    /// Runs `body` as a task with a thread of its own, which signals cancel.
    static func cancels<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let task = Task(executorPreference: SessionThread()) { try await body() }
        let sources = [SIGINT, SIGTERM].map { number in
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                task.cancel()
                signal(number, SIG_DFL)
            }
            source.resume()
            return source
        }
        defer { sources.forEach { $0.cancel() } }
        do {
            return try await task.value
        } catch {
            // Whatever a wait said that was cancelled, this is why.
            throw task.isCancelled ? Ended() : error
        }
    }

    /// Ends this process as a SIGTERM would, as soon as its standard input ends.
    static func raiseWhenInputEnds() {
        DispatchQueue(label: "lam.input").async {
            var byte: UInt8 = 0
            while unsafe read(STDIN_FILENO, &byte, 1) > 0 {}
            kill(getpid(), SIGTERM)
        }
    }
}
