import Glibc
import LAM

/// Where an adapter's callbacks run: one at a time, in the order in which they became due.
///
/// A thread of the library runs them, or the program does from a loop of its own.
final class CallbackQueue: Sendable {
    typealias Callback = @Sendable () -> Void

    private struct State {
        var callbacks: [Callback] = []
        var takenCount = 0
        /// The thread that is inside a callback.
        var runner: pthread_t?
        /// What waits until that callback has returned.
        var afterCurrent: [Callback] = []
        var isStopping = false

        /// Whether the caller is inside a callback.
        var isRunner: Bool { runner.map { pthread_equal($0, pthread_self()) != 0 } ?? false }

        mutating func next() -> Callback? {
            guard takenCount < callbacks.count else { return nil }
            takenCount += 1
            defer {
                if takenCount == callbacks.count {
                    callbacks.removeAll(keepingCapacity: true)
                    takenCount = 0
                }
            }
            return callbacks[takenCount - 1]
        }
    }

    private let state: Monitor<State>
    private let runner: Runner

    private enum Runner: Sendable {
        case library(WorkerThread)
        /// Readable while there are callbacks.
        case program(Descriptor)
    }

    /// A queue for a thread of the library.
    static func onLibraryThread() throws(StatusError) -> CallbackQueue {
        let state = Monitor(State())
        do {
            let thread = try WorkerThread {
                while let callback = Self.next(state) { Self.run(callback, state) }
            }
            return CallbackQueue(state, .library(thread))
        } catch {
            throw StatusError(.insufficientResources, "a thread for callbacks could not be started: \(error)")
        }
    }

    /// A queue that the program empties.
    static func onDispatch() throws(StatusError) -> CallbackQueue {
        CallbackQueue(Monitor(State()), .program(try Descriptor()))
    }

    private final class Descriptor: Sendable {
        let wakeUp: WakeUp

        init() throws(StatusError) {
            do { wakeUp = try WakeUp() } catch {
                throw StatusError(.insufficientResources, "a descriptor for callbacks could not be opened: \(error)")
            }
        }
    }

    private init(_ state: Monitor<State>, _ runner: Runner) {
        self.state = state
        self.runner = runner
    }

    /// Has a callback run.
    func run(_ callback: @escaping Callback) {
        state.withLock { $0.callbacks.append(callback) }
        switch runner {
        case .library: state.signal()
        case .program(let descriptor): descriptor.wakeUp.ring()
        }
    }

    /// Runs something of the library's once the callback has returned in which another thread is; at once if there is
    /// none.
    func afterCurrent(_ body: @escaping Callback) {
        let isFree = state.withLock { state in
            guard state.runner != nil, !state.isRunner else { return true }
            state.afterCurrent.append(body)
            return false
        }
        if isFree { body() }
    }

    /// Whether the caller is inside a callback of this queue.
    var isInside: Bool { state.withLock { $0.isRunner } }

    /// What the program polls; -1 where the library runs the callbacks.
    var descriptor: CInt {
        if case .program(let descriptor) = runner { descriptor.wakeUp.descriptor } else { -1 }
    }

    /// Runs what is due on the calling thread, where that is the program's part.
    ///
    /// - Returns: how many callbacks ran.
    func dispatch() -> Int {
        guard case .program(let descriptor) = runner, !isInside else { return 0 }
        descriptor.wakeUp.silence()
        var count = 0
        while let callback = state.withLock({ $0.next() }) {
            Self.run(callback, state)
            count += 1
        }
        return count
    }

    /// Ends the library's thread once everything due has run.
    func stop() {
        guard case .library(let thread) = runner else { return }
        state.withLock { $0.isStopping = true }
        state.signal()
        thread.join()
    }

    private static func run(_ callback: Callback, _ state: Monitor<State>) {
        state.withLock { $0.runner = pthread_self() }
        callback()
        let due = state.withLock { state in
            state.runner = nil
            defer { state.afterCurrent = [] }
            return state.afterCurrent
        }
        for body in due { body() }
    }

    /// Waits for the next callback; nil when the queue is stopped.
    private static func next(_ state: Monitor<State>) -> Callback? {
        state.wait { state -> Callback?? in
            if let callback = state.next() { return .some(callback) }
            return state.isStopping ? .some(nil) : .none
        } ?? nil
    }
}
