import Glibc
import Verbs

/// A local address and port, taken as long as its owner or a connection uses it; the owner is a ``Listener`` or a
/// ``SharedEndpoint``.
///
/// The kernel would free a listener's port with the listener, and lets connections with equal addresses at both ends be
/// made where a local address is shared (T54). Therefore the identifier that has the address is kept for the
/// connections, and their peers are known here. Lives on the connection thread.
final class LocalEndpoint: ConnectionEventReceiver {
    let number: UInt64
    private let table: ConnectionTable
    /// Gets the requests of peers; nil where nobody listens.
    private weak var listening: Listening?
    private var identifier: ConnectionIdentifier?
    private(set) var address: SocketAddress
    private(set) var isOwned = true
    /// Of the connections that use the address, by their numbers.
    private var peers: [UInt64: SocketAddress] = [:]
    /// Those who wait until the address is free.
    private var waiting: [@Sendable () -> Void] = []

    /// Takes the address for the owner alone; a port of 0 becomes a free one.
    init(
        number: UInt64, at address: SocketAddress, for listening: Listening? = nil, table: ConnectionTable
    ) throws(ConnectionError) {
        self.number = number
        self.address = address
        self.listening = listening
        self.table = table
        guard !table.core.children.withLock({ $0.isClosing }) else { throw .adapterClosed }
        do throws(ConnectionError) {
            let identifier = try create()
            try bind(identifier)
            guard identifier.deviceName == table.info.name, identifier.port == table.info.port else {
                throw .addressNotAvailable(address)
            }
        } catch {
            free()
            throw error
        }
        table.add(self)
    }

    private func create() throws(ConnectionError) -> ConnectionIdentifier {
        do {
            let identifier = try table.createIdentifier(for: self)
            self.identifier = identifier
            return identifier
        } catch {
            throw ConnectionError(error)
        }
    }

    private func bind(_ identifier: ConnectionIdentifier) throws(ConnectionError) {
        guard address.port == 0 else { return try bind(identifier, to: address) }
        for port in DynamicPorts.shuffled {
            let candidate = SocketAddress(address.address, port: port, scopeID: address.scopeID)
            do throws(ConnectionError) {
                try bind(identifier, to: candidate)
                address = candidate
                return
            } catch .addressInUse {
                continue
            }
        }
        throw .noPortLeft(address)
    }

    private func bind(_ identifier: ConnectionIdentifier, to address: SocketAddress) throws(ConnectionError) {
        do { try identifier.bind(to: address.raw) } catch { throw ConnectionError(error, binding: address) }
    }

    // MARK: What it is used for

    /// Has requests of peers arrive at ``Listening/admit(_:_:)``.
    func listen(backlog: Int) throws(ConnectionError) {
        do { try identifier?.listen(backlog: backlog) } catch { throw ConnectionError(error, binding: address) }
    }

    /// Lets identifiers of connections have the address too. Afterwards, so that the address is nobody else's.
    func share() throws(ConnectionError) {
        do { try identifier?.reuseAddress() } catch { throw ConnectionError(error) }
    }

    /// Gives a connection's identifier the address.
    func bind(_ identifier: ConnectionIdentifier, of connection: Connection) throws(ConnectionError) {
        guard isOwned else { throw .endpointClosed(address) }
        guard !peers.values.contains(connection.peer) else {
            throw .addressAlreadyExists(from: address, to: connection.peer)
        }
        join(connection)
        do { try identifier.reuseAddress() } catch { throw ConnectionError(error) }
        try bind(identifier, to: address)
    }

    // MARK: Who uses it

    /// Keeps the address as long as the connection has not ended.
    func join(_ connection: Connection) {
        peers[connection.number] = connection.peer
        connection.endpoint = self
    }

    func leave(_ connection: Connection) {
        peers[connection.number] = nil
        freeIfUnused()
    }

    /// The owner needs the address no longer.
    func disown() {
        isOwned = false
        freeIfUnused()
    }

    /// Tells when nobody uses the address any more.
    func whenFree(_ tell: @escaping @Sendable () -> Void) {
        waiting.append(tell)
    }

    private func freeIfUnused() {
        if !isOwned, peers.isEmpty { free() }
    }

    /// Gives the address up, whoever uses it.
    func free() {
        isOwned = false
        table.remove(self)
        if let old = identifier {
            identifier = nil
            table.destroy(old)
        }
        let told = waiting
        waiting = []
        told.forEach { $0() }
    }

    // MARK: Events

    func handle(_ event: ConnectionEvent) {
        switch event.kind {
        case .connectRequest:
            // A request that nobody takes is refused by dropping its identifier.
            if let identifier = event.incoming { listening?.admit(identifier, event) }
        case .deviceRemoval:
            listening?.close()
            free()
        default: break
        }
    }
}
