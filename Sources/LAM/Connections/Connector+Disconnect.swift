extension Connector {
    /// Ends the connection: `NdkDisconnect`.
    ///
    /// Tells the peer and waits until it has confirmed (`rdma_disconnect`); then the queue pair ends: everything that
    /// is still posted completes, flushed, and no longer holds its mappings. What must arrive has to be completed
    /// before. Where nothing is connected it ends what is under way, without an error; where the peer was faster, it
    /// waits for `onDisconnect` to return. The connection calls nobody afterwards. Cancelling the task changes nothing.
    /// - Parameter timeLimit: how long the peer may take.
    /// - Throws: ``ConnectionError/timedOut(_:after:)`` where the peer did not confirm, because it is dead or cut off.
    ///   The connection has ended nevertheless.
    public func disconnect(timeLimit: Duration = .seconds(5)) async throws(ConnectionError) {
        do {
            try await perform(limit: timeLimit) { $0.disconnect($1) }
        } catch .adapterClosed {
            // Closing the adapter has ended the connection.
        }
    }

    /// Waits until the connection has ended, in whatever way.
    ///
    /// Any number of tasks may wait, also after the end. A peer whose machine vanishes sends nothing: that shows only
    /// when a request to it fails.
    /// - Returns: how it ended; nil if the task was cancelled before.
    public func waitForDisconnect() async -> ConnectionEnd? {
        let end: ConnectionEnd? = await mailbox.ask(otherwise: .disconnected) { [number] (table, watch, answer) in
            guard let connection = table.connection(number) else { return answer(.disconnected) }
            connection.watch(watch, answer)
        }
        // After the adapter's end nobody but the facts knows more.
        if case .ended(let known) = state { return known }
        return end
    }
}
