import Glibc
import Verbs

/// The thread on which everything about the connections of one adapter happens.
///
/// Each state machine is touched by this thread only, so none has a lock; and since the same thread reads the events
/// and destroys the identifiers, no event can concern an identifier that is gone. Users are called on another thread, so
/// that a slow one keeps no connection waiting.
final class ConnectionThread: Sendable {
    let mailbox: ConnectionMailbox
    private let thread: WorkerThread
    private let callbacks: ErrandThread
    private let core: AdapterCore

    /// Opens an event channel and starts the threads.
    init(core: AdapterCore, info: AdapterInfo) throws(VerbError) {
        let channel = try EventChannel(verbs: core.device.verbs)
        mailbox = try ConnectionMailbox()
        let callbacks = try ErrandThread()
        callbacks.run { core.noteCallbackThread(true) }
        self.callbacks = callbacks
        self.core = core
        do throws(VerbError) {
            thread = try WorkerThread { [mailbox] in
                Self.serve(
                    ConnectionTable(channel: channel, core: core, info: info, mailbox: mailbox, callbacks: callbacks))
            }
        } catch {
            Self.stop(callbacks, core)
            throw error
        }
    }

    /// Ends the thread, and with it whatever connection is left. Called once.
    func stop() {
        mailbox.stop()
        thread.join()
        Self.stop(callbacks, core)
    }

    private static func stop(_ callbacks: ErrandThread, _ core: AdapterCore) {
        callbacks.run { core.noteCallbackThread(false) }
        callbacks.stop()
    }

    private static func serve(_ table: ConnectionTable) {
        while true {
            table.mailbox.wait(besides: table.channel.fileDescriptor, until: table.nextDeadline)
            let batch = table.mailbox.take()
            batch.errands.forEach { $0(table) }
            if batch.isStopping { return table.close() }
            takeEvents(table)
            table.expire()
        }
    }

    private static func takeEvents(_ table: ConnectionTable) {
        do {
            // Bounded, so that a flood of requests does not keep errands waiting.
            for _ in 0..<64 {
                guard let event = try table.channel.nextEvent() else { return }
                table.handle(event)
            }
        } catch {
            // Nothing can be read for the moment; the descriptor may stay readable, so this must not spin.
            usleep(10_000)
        }
    }
}
