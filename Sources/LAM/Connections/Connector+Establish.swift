extension Connector {
    // MARK: Active

    /// Asks a peer for a connection: `NdkConnect`.
    ///
    /// Returns when the peer has accepted; ``connectionData`` then has what it sent. Nothing can be posted before
    /// ``completeConnect(onDisconnect:)``, for which there is no hurry. After an error the queue pair is as it was, and
    /// the connector may try again.
    /// - Parameters:
    ///   - queuePair: one that was never connected.
    ///   - destination: where a listener is.
    ///   - source: the local address, if it matters; its port 0 has one chosen. Nil is the adapter's own address.
    ///   - privateData: at most 56 bytes for the peer's program.
    ///   - options: how the connection behaves.
    ///   - timeLimit: how long to wait for the peer's answer. The connection manager itself would wait 98 s.
    /// - Throws: ``ConnectionError/refused(_:reason:privateData:)``, ``ConnectionError/hostUnreachable(_:)``,
    ///   ``ConnectionError/networkUnreachable(_:)`` and ``ConnectionError/timedOut(_:after:)``, after which another try
    ///   may succeed; ``ConnectionError/privateDataTooLong(asked:limit:)``,
    ///   ``ConnectionError/otherDevice(_:device:port:)``, those about `source`, and ``ConnectionError/cancelled``. A
    ///   host that is not there takes three seconds.
    public func connect(
        _ queuePair: borrowing QueuePair, to destination: SocketAddress, from source: SocketAddress? = nil,
        privateData: [UInt8] = [], options: ConnectionOptions = ConnectionOptions(), timeLimit: Duration = .seconds(10)
    ) async throws(ConnectionError) {
        try await connect(
            queuePair, to: destination, from: source.map(ConnectionSource.address) ?? .anyPort, privateData, options,
            timeLimit)
    }

    /// Asks a peer for a connection from an address that other connections have as well:
    /// `NdkConnectWithSharedEndpoint`.
    ///
    /// - Parameters:
    ///   - queuePair: one that was never connected.
    ///   - destination: where a listener is; one to which no other connection of the endpoint leads.
    ///   - endpoint: the local address, of the same adapter.
    ///   - privateData: at most 56 bytes for the peer's program.
    ///   - options: how the connection behaves.
    ///   - timeLimit: how long to wait for the peer's answer.
    /// - Throws: as with an address of its own; ``ConnectionError/addressAlreadyExists(from:to:)`` where the endpoint has
    ///   a connection to the destination, also one that is being made; ``ConnectionError/endpointClosed(_:)``.
    public func connect(
        _ queuePair: borrowing QueuePair, to destination: SocketAddress, through endpoint: SharedEndpoint,
        privateData: [UInt8] = [], options: ConnectionOptions = ConnectionOptions(), timeLimit: Duration = .seconds(10)
    ) async throws(ConnectionError) {
        guard endpoint.adapter === adapter else {
            fatalError("Adapter \(adapter.name): a connector connects through a shared endpoint of its own adapter")
        }
        try await connect(
            queuePair, to: destination, from: .endpoint(endpoint.number, endpoint.address), privateData, options,
            timeLimit)
    }

    private func connect(
        _ queuePair: borrowing QueuePair, to destination: SocketAddress, from source: ConnectionSource,
        _ privateData: [UInt8], _ options: ConnectionOptions, _ timeLimit: Duration
    ) async throws(ConnectionError) {
        let request = ConnectRequest(
            queuePair: queuePair.core, destination: destination, source: source, privateData: privateData,
            options: options)
        try await perform(limit: timeLimit) { $0.connect(request, $1) }
    }

    /// Completes a connection that the peer has accepted: `NdkCompleteConnect`.
    ///
    /// Requests can be posted when it returns; it does not wait for the peer (`rdma_init_qp_attr`, `ibv_modify_qp`,
    /// `rdma_establish`). After an error the connector has ended, and the queue pair with it.
    /// - Parameter onDisconnect: called once if the connection ends otherwise than by this side's wish, before those
    ///   who wait for the end are told of it. It runs on a thread of the adapter; other callbacks wait meanwhile, but
    ///   no connection does.
    /// - Throws: ``ConnectionError/aborted(_:privateData:)`` where the peer has gone meanwhile.
    public func completeConnect(
        onDisconnect: (@Sendable (ConnectionEnd) -> Void)? = nil
    ) async throws(ConnectionError) {
        try await perform { $0.completeConnect($1, onDisconnect: onDisconnect) }
    }

    // MARK: Passive

    /// Accepts a peer's request: `NdkAccept`.
    ///
    /// Returns when the peer has completed the connection; requests can then be posted. Post receives before: the peer
    /// may send at once. After an error that concerns the handshake the connector has ended, and the queue pair with
    /// it.
    /// - Parameters:
    ///   - queuePair: one that was never connected.
    ///   - privateData: at most 148 bytes for the peer's program.
    ///   - options: how the connection behaves. Read limits beyond the peer's are silently less.
    ///   - timeLimit: how long the peer's program may take to complete. The connection manager itself would wait 98 s.
    ///   - onDisconnect: as of ``completeConnect(onDisconnect:)``.
    /// - Throws: ``ConnectionError/aborted(_:privateData:)`` where the peer refused after all or is gone,
    ///   ``ConnectionError/timedOut(_:after:)``, ``ConnectionError/privateDataTooLong(asked:limit:)``,
    ///   ``ConnectionError/cancelled``.
    public func accept(
        _ queuePair: borrowing QueuePair, privateData: [UInt8] = [], options: ConnectionOptions = ConnectionOptions(),
        timeLimit: Duration = .seconds(30), onDisconnect: (@Sendable (ConnectionEnd) -> Void)? = nil
    ) async throws(ConnectionError) {
        let request = AcceptRequest(
            queuePair: queuePair.core, privateData: privateData, options: options, onDisconnect: onDisconnect)
        try await perform(limit: timeLimit) { $0.accept(request, $1) }
    }

    // MARK: Either

    /// Refuses a peer's request, or its acceptance: `NdkReject` (`rdma_reject`).
    ///
    /// The connector has then ended. A queue pair that waited for completeConnect is as it was.
    /// - Parameter privateData: at most 148 bytes for the peer's program.
    /// - Throws: ``ConnectionError/aborted(_:privateData:)`` where the peer has gone first,
    ///   ``ConnectionError/privateDataTooLong(asked:limit:)``, which changes nothing.
    public func reject(privateData: [UInt8] = []) async throws(ConnectionError) {
        try await perform { connection, call in
            do throws(ConnectionError) {
                try connection.reject(privateData)
                call.succeed()
            } catch {
                call.fail(error)
            }
        }
    }

    /// Begins a call on the connection's thread and waits until it is over.
    func perform(
        limit: Duration = .seconds(60), _ begin: @escaping @Sendable (Connection, PendingCall) -> Void
    ) async throws(ConnectionError) {
        try await mailbox.perform(limit: limit) { [number] table, call in
            // The connector, and with it its connection, is there as long as it is being called.
            guard let connection = table.connection(number) else { return call.fail(.adapterClosed) }
            begin(connection, call)
        }
    }
}
