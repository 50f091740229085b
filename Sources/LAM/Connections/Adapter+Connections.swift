import Verbs

extension Adapter {
    /// The way to the thread of the adapter's connections, which is started on first use.
    func connectionMailbox() throws(ConnectionError) -> ConnectionMailbox {
        do {
            try checkOpen()
        } catch {
            throw ConnectionError(error)
        }
        if let thread = connectionThread.withLock({ $0 }) { return thread.mailbox }
        let started: ConnectionThread
        do {
            started = try ConnectionThread(core: core, info: info)
        } catch {
            throw ConnectionError(error)
        }
        let kept = connectionThread.withLock { thread in
            let kept = thread ?? started
            thread = kept
            return kept
        }
        // Another task was faster.
        if kept !== started { started.stop() }
        return kept.mailbox
    }

    /// Has the thread of the adapter's connections open something, under a number of its own.
    /// Tells once what was opened, or why it was not.
    func open<Opened: Sendable>(
        _ tell: @escaping @Sendable (Result<Opened, ConnectionError>) -> Void,
        _ body: @escaping @Sendable (ConnectionTable, _ number: UInt64) throws(ConnectionError) -> Opened
    ) {
        do throws(ConnectionError) {
            let mailbox = try connectionMailbox()
            let number = mailbox.nextNumber()
            let isTaken = mailbox.run { table in
                tell(Result { () throws(ConnectionError) in try body(table, number) })
            }
            if !isTaken { throw .adapterClosed }
        } catch {
            tell(.failure(error))
        }
    }

    /// Refuses all further requests of peers.
    func closeListeners() {
        connectionThread.withLock { $0 }?.mailbox.run { $0.closeListeners() }
    }

    /// Ends the thread of the adapter's connections, if there is one.
    func stopConnections() {
        let thread = connectionThread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        thread?.stop()
    }
}
