import Glibc
import Synchronization
import Verbs

/// Notifies of one completion queue, on a thread of its own that the first arming starts.
///
/// A callback may take as long as it likes, and wait for the callback of another queue: it holds up the later
/// notifications of its own queue, and nothing else.
final class CompletionNotifier: Sendable {
    /// A task that waits for a notification; it gets none when it is cancelled.
    typealias Waiter = CheckedContinuation<Result<CompletionQueueNotification?, AdapterError>, Never>

    private struct State {
        var bell: Bell?
        var thread: WorkerThread?
        var isOver = false
        var waiters: [UInt: Waiter] = [:]
    }

    private final class Bell: Sendable {
        let wakeUp: WakeUp

        init() throws(VerbError) { wakeUp = try WakeUp() }
    }

    private let telling: Telling<CompletionQueueNotification>
    private let state = Monitor(State())
    /// Whether a user that waited took an event which the thread has not seen.
    private let hasMissedEvent = Atomic<Bool>(false)

    init(_ notify: (@Sendable (CompletionQueueNotification) -> Void)?) {
        telling = Telling(notify)
    }

    /// Whether the queue was created with a callback.
    var hasListener: Bool { telling.hasListener }

    // MARK: The queue

    /// Starts the thread, unless it runs. It keeps the queue until `end`.
    func start(_ queue: CompletionQueueCore) throws(AdapterError) {
        do throws(VerbError) {
            try state.withLock { (state) throws(VerbError) in
                guard state.bell == nil, !state.isOver else { return }
                let bell = try Bell()
                let thread = try WorkerThread { queue.notifier.serve(queue, bell) }
                state.bell = bell
                state.thread = thread
                thread.detach()
            }
        } catch {
            throw AdapterError(error)
        }
    }

    /// Has the thread look whether there is something to notify of.
    func wake() {
        state.withLock { $0.bell }?.wakeUp.ring()
    }

    /// A user that waited took an event of the device.
    func noteEvent() {
        hasMissedEvent.store(true, ordering: .releasing)
        wake()
    }

    /// Nobody is notified any more; a callback may be going on.
    func end() {
        telling.end()
        let waiters = state.withLock { state in
            state.isOver = true
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume(returning: .success(nil)) }
        wake()
    }

    /// Waits for a callback that is going on, unless this is inside of it.
    func awaitEnd() {
        guard state.withLock({ $0.thread?.isCurrent }) != true else { return }
        telling.awaitEnd()
    }

    // MARK: Tasks

    /// Keeps a task that waits for the next notification.
    func add(_ waiter: Waiter, as number: UInt) {
        state.withLock { $0.waiters[number] = waiter }
    }

    /// Lets a task go on, unless it does already.
    func resume(_ number: UInt, _ result: Result<CompletionQueueNotification?, AdapterError>) {
        state.withLock { $0.waiters.removeValue(forKey: number) }?.resume(returning: result)
    }

    // MARK: The thread

    private func serve(_ queue: CompletionQueueCore, _ bell: Bell) {
        queue.adapter.core.noteCallbackThread(true)
        while true {
            let hasEvent = Self.wait(for: queue, bell.wakeUp)
            let hasMissed = hasMissedEvent.exchange(false, ordering: .acquiring)
            guard !state.withLock({ $0.isOver }) else { break }
            guard let found = queue.takeNotification(afterEvent: hasEvent || hasMissed) else { continue }
            notify(of: found.0, isForOwner: found.isForOwner)
        }
        queue.adapter.core.noteCallbackThread(false)
    }

    private func notify(of notification: CompletionQueueNotification, isForOwner: Bool) {
        let waiters = state.withLock { state in
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume(returning: .success(notification)) }
        if isForOwner { telling.tell(notification) }
    }

    /// How long a failed send may stay unnoticed where the device does not tell.
    private static var searchPause: Duration { .milliseconds(10) }

    /// - Returns: whether the device raised an event.
    private static func wait(for queue: CompletionQueueCore, _ wakeUp: borrowing WakeUp) -> Bool {
        let deadline =
            queue.searchesErrors.load(ordering: .relaxed) ? MonotonicTime.now.advanced(by: searchPause) : nil
        var hasEvent = false
        do {
            _ = try wakeUp.wait(besides: queue.channel.fileDescriptor, until: deadline) { () throws(VerbError) in
                hasEvent = try queue.takeEvents()
            }
        } catch {
            // Nothing can be read for the moment; the descriptor may stay readable, so this must not spin.
            usleep(10_000)
            hasEvent = true
        }
        if hasEvent, queue.isAwaited.load(ordering: .acquiring) { queue.wakeUp.ring() }
        return hasEvent
    }
}
