import Glibc
import Verbs

/// A listener's side on the connection thread.
final class Listening: ConnectionEventReceiver {
    let number: UInt64
    private let table: ConnectionTable
    /// Kept open as long as somebody listens, since requests need it.
    private let adapter: Adapter
    private let backlog: Int
    /// The link of a link-local address.
    private var scopeID: UInt32 = 0
    private var identifier: ConnectionIdentifier?
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
        do throws(VerbError) {
            let identifier = try table.createIdentifier(for: self)
            self.identifier = identifier
            scopeID = address.scopeID
            try identifier.bind(to: address.raw)
            guard identifier.deviceName == table.info.name, identifier.port == table.info.port else {
                throw VerbError(.bindAddress, EADDRNOTAVAIL)
            }
            try identifier.listen(backlog: backlog)
            table.add(self)
            return identifier.localAddress.map { SocketAddress($0) } ?? address
        } catch {
            close()
            throw ConnectionError(error, binding: address)
        }
    }

    // MARK: Requests

    func handle(_ event: ConnectionEvent) {
        switch event.kind {
        case .connectRequest:
            if let identifier = event.incoming { admit(identifier, event) }
        case .deviceRemoval:
            close()
        default: break
        }
    }

    /// Hands a request to whoever waits for one. Dropping the identifier refuses it.
    private func admit(_ identifier: ConnectionIdentifier, _ event: ConnectionEvent) {
        guard !takers.isEmpty || waiting.count < backlog else { return }
        let connector = connector(identifier, event)
        if takers.isEmpty {
            waiting.append(connector)
        } else {
            takers.removeFirst().give(connector)
        }
    }

    private func connector(_ identifier: ConnectionIdentifier, _ event: ConnectionEvent) -> Connector {
        let number = table.mailbox.nextNumber()
        let facts = ConnectionFacts()
        // Whose address is looked up with the rest.
        let peer = SocketAddress(table.info.address, port: 0)
        let connection = Connection(number: number, facts: facts, phase: .requested, peer: peer, table: table)
        table.adopt(identifier, for: connection)
        table.add(connection)
        connection.requested(identifier, event, onLink: scopeID)
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

    func cancel(_ number: UInt64) {
        guard let index = takers.firstIndex(where: { $0.number == number }) else { return }
        takers.remove(at: index).give(nil)
    }

    /// Refuses what is waiting, frees the port and tells those who wait.
    func close() {
        table.remove(self)
        for connector in waiting { table.connection(connector.number)?.abandon() }
        waiting = []
        if let old = identifier {
            identifier = nil
            table.destroy(old)
        }
        let left = takers
        takers = []
        left.forEach { $0.give(nil) }
    }
}
