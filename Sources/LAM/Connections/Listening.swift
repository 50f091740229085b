import Verbs

/// A listener's side on the connection thread.
final class Listening {
    let number: UInt64
    private let table: ConnectionTable
    /// Kept open as long as somebody listens, since requests need it.
    private let adapter: Adapter
    private let backlog: Int
    private var endpoint: LocalEndpoint?
    /// Requests are refused for the time being.
    private var isPaused = false
    /// Requests that nobody has taken yet, the oldest first; never more than the backlog.
    private var waiting: [Connector] = []
    /// Those who wait for a request, the first one first; empty while requests are waiting.
    private var takers: [(number: UInt64, give: @Sendable (Connector?) -> Void)] = []

    init(number: UInt64, adapter: Adapter, backlog: Int, table: ConnectionTable) {
        self.number = number
        self.adapter = adapter
        self.backlog = backlog
        self.table = table
    }

    /// Takes the address and listens.
    ///
    /// - Returns: the address with its real port.
    func open(on address: SocketAddress) throws(ConnectionError) -> SocketAddress {
        let endpoint = try LocalEndpoint(number: number, at: address, for: self, table: table)
        self.endpoint = endpoint
        table.add(self)
        do throws(ConnectionError) {
            try endpoint.listen(backlog: backlog)
        } catch {
            close()
            throw error
        }
        return endpoint.address
    }

    // MARK: Requests

    /// Hands a request to whoever waits for one. Dropping the identifier refuses it.
    func admit(_ identifier: ConnectionIdentifier, _ event: ConnectionEvent) {
        guard let endpoint, !isPaused, !takers.isEmpty || waiting.count < backlog else { return }
        let connector = connector(identifier, event, at: endpoint)
        if takers.isEmpty {
            waiting.append(connector)
        } else {
            takers.removeFirst().give(connector)
        }
    }

    private func connector(
        _ identifier: ConnectionIdentifier, _ event: ConnectionEvent, at endpoint: LocalEndpoint
    ) -> Connector {
        let number = table.mailbox.nextNumber()
        let facts = ConnectionFacts()
        // Whose address is looked up with the rest.
        let peer = SocketAddress(table.info.address, port: 0)
        let connection = Connection(number: number, facts: facts, phase: .requested, peer: peer, table: table)
        table.adopt(identifier, for: connection)
        table.add(connection)
        connection.requested(identifier, event, onLink: endpoint.address.scopeID)
        endpoint.join(connection)
        return Connector(adapter, number: number, mailbox: table.mailbox, facts: facts)
    }

    /// Gives the oldest request, or the next one.
    func take(_ number: UInt64, _ give: @escaping @Sendable (Connector?) -> Void) {
        if waiting.isEmpty {
            takers.append((number, give))
        } else {
            give(waiting.removeFirst())
        }
    }

    /// Gives the oldest request and then all further ones.
    func forEachRequest(_ give: @escaping @Sendable (Connector) -> Void) {
        take(number) { [number, mailbox = table.mailbox] connector in
            guard let connector else { return }
            give(connector)
            // Not from within, so that a full backlog does not nest.
            mailbox.run { $0.listening(number)?.forEachRequest(give) }
        }
    }

    func cancel(_ number: UInt64) {
        guard let index = takers.firstIndex(where: { $0.number == number }) else { return }
        takers.remove(at: index).give(nil)
    }

    func pause() {
        isPaused = true
        refuseWaiting()
    }

    func resume() {
        isPaused = false
    }

    private func refuseWaiting() {
        for connector in waiting { table.connection(connector.number)?.abandon() }
        waiting = []
    }

    // MARK: The end

    /// Refuses what is waiting and what is to come, and tells those who wait.
    func close() {
        table.remove(self)
        refuseWaiting()
        endpoint?.disown()
        endpoint = nil
        let left = takers
        takers = []
        left.forEach { $0.give(nil) }
    }
}
