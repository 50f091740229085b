import Verbs

/// A local address and port from which connections to many peers begin: `NDK_SHARED_ENDPOINT`.
///
/// ``Connector/connect(_:to:through:privateData:options:timeLimit:)`` makes them, each to another peer. The address is taken as long as the endpoint or one of its connections is
/// there: nobody else can listen on it, connect from it, or make an endpoint of it.
///
/// Dropping an endpoint closes it. Connections that were made through it live on.
public final class SharedEndpoint: Sendable {
    /// The address; its port is the real one also where 0 was asked: `NdkGetSharedEndpointLocalAddress`.
    public let address: SocketAddress
    let number: UInt64
    let adapter: Adapter
    private let mailbox: ConnectionMailbox

    fileprivate init(_ adapter: Adapter, number: UInt64, address: SocketAddress, mailbox: ConnectionMailbox) {
        self.adapter = adapter
        self.number = number
        self.address = address
        self.mailbox = mailbox
    }

    deinit {
        mailbox.run { [number] in $0.endpoint(number)?.disown() }
    }

    /// Gives the endpoint up: `NdkCloseSharedEndpoint`. Nothing can be connected through it any more.
    ///
    /// The address stays taken until the last of its connections has ended; ``closed()`` waits for that.
    public func close() async {
        await mailbox.ask(otherwise: ()) { [number] (table, _, answer) in
            table.endpoint(number)?.disown()
            answer(())
        }
    }

    /// Gives the endpoint up, and suspends until the last of its connections has ended and the address is free.
    ///
    /// Cancelling the task changes nothing.
    public func closed() async {
        await withCheckedContinuation { continuation in close { continuation.resume() } }
    }

    /// Gives the endpoint up, and tells when the address is free, on the thread of the connections.
    package func close(then tell: @escaping @Sendable () -> Void) {
        let isTaken = mailbox.run { [number] table in
            guard let endpoint = table.endpoint(number) else { return tell() }
            endpoint.whenFree(tell)
            endpoint.disown()
        }
        if !isTaken { tell() }
    }
}

extension Adapter {
    /// Takes a local address for connections to several peers: `NdkCreateSharedEndpoint`.
    ///
    /// - Parameter address: one of the adapter's own; port 0 has one chosen from 49152...65535.
    /// - Returns: an endpoint that has the address until it is closed or dropped.
    /// - Throws: ``ConnectionError/addressInUse(_:)``, ``ConnectionError/addressNotAvailable(_:)``,
    ///   ``ConnectionError/noPortLeft(_:)``, ``ConnectionError/portNotAllowed(_:)``, ``ConnectionError/adapterClosed``,
    ///   ``ConnectionError/verbFailed(verb:errno:)`` (`rdma_bind_addr`, `rdma_set_option`).
    public func createSharedEndpoint(on address: SocketAddress) async throws(ConnectionError) -> SharedEndpoint {
        let answer: Result<SharedEndpoint, ConnectionError> = await withCheckedContinuation { continuation in
            createSharedEndpoint(on: address) { continuation.resume(returning: $0) }
        }
        return try answer.get()
    }

    /// The same for programs that cannot suspend; tells once, on the thread of the connections if that was reached.
    package func createSharedEndpoint(
        on address: SocketAddress, then tell: @escaping @Sendable (Result<SharedEndpoint, ConnectionError>) -> Void
    ) {
        open(tell) { table, number throws(ConnectionError) in
            let endpoint = try LocalEndpoint(number: number, at: address, table: table)
            do throws(ConnectionError) { try endpoint.share() } catch {
                endpoint.disown()
                throw error
            }
            return SharedEndpoint(self, number: number, address: endpoint.address, mailbox: table.mailbox)
        }
    }
}
