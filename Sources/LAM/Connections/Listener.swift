import Verbs

/// Waits for peers that want a connection: `NDK_LISTENER`.
///
/// ```swift
/// let listener = try await adapter.listen(on: SocketAddress("10.77.0.1:7471")!)
/// for await connector in listener {
///     try await connector.accept(queuePair)
/// }
/// ```
/// Dropping a listener closes it. Connections that it brought live on, and the address stays taken as long as they do.
public final class Listener: Sendable {
    /// Where it listens; the port is the real one also where 0 was asked.
    public let address: SocketAddress
    private let number: UInt64
    private let mailbox: ConnectionMailbox

    fileprivate init(number: UInt64, address: SocketAddress, mailbox: ConnectionMailbox) {
        self.number = number
        self.address = address
        self.mailbox = mailbox
    }

    deinit {
        mailbox.run { [number] in $0.listening(number)?.close() }
    }

    /// Waits for the next request: the connect event of NDK.
    ///
    /// Several tasks may wait; each request goes to one of them. The peer waits for
    /// ``Connector/accept(_:privateData:options:timeLimit:onDisconnect:)`` or ``Connector/reject(privateData:)``;
    /// dropping the connector rejects.
    /// - Returns: nil when the listener was closed, or the task cancelled.
    public func next() async -> Connector? {
        await mailbox.ask(otherwise: nil) { [number] (table, question, answer) in
            guard let listening = table.listening(number) else { return answer(nil) }
            listening.take(question, answer)
        }
    }

    /// Refuses requests until ``resume()``: `NdkControlConnectEvents`.
    ///
    /// When it returns, ``next()`` gives nothing; requests that nobody has taken are refused as well. To a peer it is as
    /// if nobody listened, except that it is told ``RefusalReason/peer``.
    public func pause() async {
        await mailbox.ask(otherwise: ()) { [number] (table, _, answer) in
            table.listening(number)?.pause()
            answer(())
        }
    }

    /// Takes requests again.
    public func resume() async {
        await mailbox.ask(otherwise: ()) { [number] (table, _, answer) in
            table.listening(number)?.resume()
            answer(())
        }
    }

    /// Stops listening: `NdkCloseListener`.
    ///
    /// When it returns, requests are refused, also those that nobody has taken, and whoever waits in ``next()`` gets
    /// nil. The address stays taken until the last connection that the listener brought has ended; ``closed()`` waits
    /// for that.
    public func close() async {
        await mailbox.ask(otherwise: ()) { [number] (table, _, answer) in
            table.listening(number)?.close()
            answer(())
        }
    }

    /// Stops listening, and suspends until the last connection that the listener brought has ended and the address is
    /// free (`rdma_destroy_id`).
    ///
    /// Cancelling the task changes nothing.
    public func closed() async {
        await withCheckedContinuation { continuation in close { continuation.resume() } }
    }

    /// Stops listening, and tells when the address is free, on the thread of the connections.
    package func close(then tell: @escaping @Sendable () -> Void) {
        let isTaken = mailbox.run { [number] table in
            guard let endpoint = table.endpoint(number) else { return tell() }
            endpoint.whenFree(tell)
            table.listening(number)?.close()
        }
        if !isTaken { tell() }
    }

    /// Hands over each request, on the thread of the connections, until the listener is closed.
    package func forEachRequest(_ give: @escaping @Sendable (Connector) -> Void) {
        mailbox.run { [number] in $0.listening(number)?.forEachRequest(give) }
    }

    /// Refuses requests from now on, or takes them again.
    package func control(pauses: Bool) {
        mailbox.askAndWait(otherwise: ()) { [number] table in
            let listening = table.listening(number)
            if pauses { listening?.pause() } else { listening?.resume() }
        }
    }
}

extension Listener: AsyncSequence {
    /// Gives the requests one by one; ends when the listener is closed.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let listener: Listener

        /// As ``Listener/next()``.
        public mutating func next() async -> Connector? {
            await listener.next()
        }

        /// As ``Listener/next()``.
        public mutating func next(isolation actor: isolated (any Actor)?) async -> Connector? {
            await listener.next()
        }
    }

    /// Iterates over the requests; several iterations share them.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(listener: self)
    }
}

extension Adapter {
    /// Listens for peers that want a connection: `NdkCreateListener` and `NdkListen`.
    ///
    /// - Parameters:
    ///   - address: one of the adapter's own; port 0 has one chosen from 49152...65535.
    ///   - backlog: how many requests may wait for ``Listener/next()``, at least 1; more are refused.
    /// - Returns: a listener that listens until it is closed or dropped.
    /// - Throws: ``ConnectionError/addressInUse(_:)``, ``ConnectionError/addressNotAvailable(_:)``,
    ///   ``ConnectionError/noPortLeft(_:)``, ``ConnectionError/portNotAllowed(_:)``, ``ConnectionError/adapterClosed``,
    ///   ``ConnectionError/verbFailed(verb:errno:)`` (`rdma_bind_addr`, `rdma_listen`).
    public func listen(on address: SocketAddress, backlog: Int = 64) async throws(ConnectionError) -> Listener {
        let answer: Result<Listener, ConnectionError> = await withCheckedContinuation { continuation in
            listen(on: address, backlog: backlog) { continuation.resume(returning: $0) }
        }
        return try answer.get()
    }

    /// The same for programs that cannot suspend; tells once, on the thread of the connections if that was reached.
    package func listen(
        on address: SocketAddress, backlog: Int,
        then tell: @escaping @Sendable (Result<Listener, ConnectionError>) -> Void
    ) {
        open(tell) { table, number throws(ConnectionError) in
            let listening = Listening(number: number, adapter: self, backlog: max(1, backlog), table: table)
            let bound = try listening.open(on: address)
            return Listener(number: number, address: bound, mailbox: table.mailbox)
        }
    }
}
