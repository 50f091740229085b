/// The calls of a connector for programs that cannot suspend.
///
/// Each tells `completion` once, on the thread of the connections, which must not be held up.
extension Connector {
    /// Bytes of private data of a connect.
    package static let maxRequestData = PrivateDataLimit.request
    /// Bytes of private data of an accept or a reject.
    package static let maxAnswerData = PrivateDataLimit.answer

    /// What a call tells when it is over.
    package typealias Completion = @Sendable (Result<Void, ConnectionError>) -> Void

    /// Asks a peer for a connection, from an address of its own or the adapter's.
    package func connect(
        _ queuePair: borrowing QueuePair, to destination: SocketAddress, from source: SocketAddress?,
        privateData: [UInt8], options: ConnectionOptions, timeLimit: Duration, then completion: @escaping Completion
    ) {
        let request = ConnectRequest(
            queuePair: queuePair.core, destination: destination,
            source: source.map(ConnectionSource.address) ?? .anyPort, privateData: privateData, options: options)
        begin(timeLimit, completion) { $0.connect(request, $1) }
    }

    /// Asks a peer for a connection through a shared endpoint of the same adapter.
    package func connect(
        _ queuePair: borrowing QueuePair, to destination: SocketAddress, through endpoint: SharedEndpoint,
        privateData: [UInt8], options: ConnectionOptions, timeLimit: Duration, then completion: @escaping Completion
    ) {
        let request = ConnectRequest(
            queuePair: queuePair.core, destination: destination,
            source: .endpoint(endpoint.number, endpoint.address), privateData: privateData, options: options)
        begin(timeLimit, completion) { $0.connect(request, $1) }
    }

    /// Completes a connection that the peer has accepted.
    package func completeConnect(
        onDisconnect: (@Sendable (ConnectionEnd) -> Void)?, then completion: @escaping Completion
    ) {
        begin(.seconds(60), completion) { $0.completeConnect($1, onDisconnect: onDisconnect) }
    }

    /// Accepts a peer's request.
    package func accept(
        _ queuePair: borrowing QueuePair, privateData: [UInt8], options: ConnectionOptions, timeLimit: Duration,
        onDisconnect: (@Sendable (ConnectionEnd) -> Void)?, then completion: @escaping Completion
    ) {
        let request = AcceptRequest(
            queuePair: queuePair.core, privateData: privateData, options: options, onDisconnect: onDisconnect)
        begin(timeLimit, completion) { $0.accept(request, $1) }
    }

    /// Ends the connection.
    package func disconnect(timeLimit: Duration, then completion: @escaping Completion) {
        begin(timeLimit, completion) { $0.disconnect($1) }
    }

    /// Refuses a peer's request, or its acceptance, before it returns.
    package func refuse(privateData: [UInt8]) throws(ConnectionError) {
        let answer = mailbox.askAndWait(otherwise: .failure(.adapterClosed)) {
            [number] table -> Result<Void, ConnectionError> in
            guard let connection = table.connection(number) else { return .failure(.adapterClosed) }
            return Result { () throws(ConnectionError) in try connection.reject(privateData) }
        }
        try answer.get()
    }

    /// Ends the connection as dropping its connector does, and tells when nothing of it calls anybody any more.
    package func abandon(then tell: @escaping @Sendable () -> Void) {
        let isTaken = mailbox.run { [number] table in
            guard let connection = table.connection(number) else { return tell() }
            connection.abandon()
            guard table.connection(number) != nil else { return tell() }
            connection.watch(table.mailbox.nextNumber()) { _ in tell() }
        }
        if !isTaken { tell() }
    }

    private func begin(
        _ limit: Duration, _ completion: @escaping Completion,
        _ begin: @escaping @Sendable (Connection, PendingCall) -> Void
    ) {
        // The connector, and with it its connection, is there as long as it is being called.
        mailbox.begin(limit: limit) { [self] result in
            withExtendedLifetime(self) { completion(result) }
        } _: {
            [number] table, call in
            guard let connection = table.connection(number) else { return call.fail(.adapterClosed) }
            begin(connection, call)
        }
    }
}
