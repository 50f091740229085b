import Glibc
import Verbs

/// The thread that reads what a device reports by itself, and on which users are told of it.
final class EventThread: Sendable {
    private let inbox: Inbox
    private let thread: WorkerThread

    /// Starts the thread.
    init(_ core: AdapterCore) throws(VerbError) {
        let inbox = try Inbox()
        self.inbox = inbox
        thread = try WorkerThread { Self.serve(inbox, core) }
    }

    /// Whether the caller runs on it.
    var isCurrent: Bool { thread.isCurrent }

    /// Has `errand` run on the thread.
    func run(_ errand: @escaping @Sendable () -> Void) {
        inbox.content.withLock { $0.errands.append(errand) }
        inbox.wakeUp.ring()
    }

    /// Ends the thread once everything handed over is done.
    func stop() {
        inbox.content.withLock { $0.isStopping = true }
        inbox.wakeUp.ring()
        thread.join()
    }

    private final class Inbox: Sendable {
        struct Content {
            var errands: [@Sendable () -> Void] = []
            var isStopping = false
        }

        let content = Monitor(Content())
        let wakeUp: WakeUp

        init() throws(VerbError) {
            wakeUp = try WakeUp()
        }

        func take() -> Content {
            content.withLock { content in
                defer { content.errands = [] }
                return content
            }
        }
    }

    private static func serve(_ inbox: Inbox, _ core: AdapterCore) {
        core.noteCallbackThread(true)
        defer { core.noteCallbackThread(false) }
        while true {
            // Nothing is taken from the descriptor here, so nothing can fail.
            _ = try? inbox.wakeUp.wait(besides: core.device.eventDescriptor, until: nil) {}
            let content = inbox.take()
            content.errands.forEach { $0() }
            if content.isStopping { return }
            takeEvents(core)
        }
    }

    private static func takeEvents(_ core: AdapterCore) {
        do {
            // Bounded, so that a device that reports the same again and again does not keep errands waiting.
            for _ in 0..<64 {
                guard let event = try core.device.nextEvent() else { return }
                core.handle(event)
            }
        } catch {
            // Nothing can be read for the moment; the descriptor may stay readable, so this must not spin.
            usleep(10_000)
        }
    }
}
