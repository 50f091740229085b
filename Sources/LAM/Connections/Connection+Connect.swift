import Verbs

/// Where a connection begins.
enum ConnectionSource {
    /// At the adapter's own address.
    case anyPort
    /// At a local address, which the connection then has for itself.
    case address(SocketAddress)
    /// At the address of the shared endpoint with the number.
    case endpoint(UInt64, SocketAddress)
}

/// What an active side asks for.
struct ConnectRequest: Sendable {
    let queuePair: QueuePairCore
    let destination: SocketAddress
    let source: ConnectionSource
    let privateData: [UInt8]
    let options: ConnectionOptions
}

extension Connection {
    /// Begins to connect; ends with the peer's answer.
    func connect(_ request: ConnectRequest, _ call: PendingCall) {
        guard phase == .idle else { return call.fail(.wrongState(call: "connect", state: phase.state)) }
        self.call = call
        peer = request.destination
        options = request.options
        requestData = request.privateData
        phase = .resolvingAddress
        step { () throws(ConnectionError) in
            try checkPrivateData(request.privateData, limit: PrivateDataLimit.request)
            try attach(request.queuePair)
            try resolveAddress(from: request.source)
        }
    }

    /// Takes a step of the handshake; ends the call if it fails.
    func step(_ body: () throws(ConnectionError) -> Void) {
        do { try body() } catch { fail(error) }
    }

    private func resolveAddress(from source: ConnectionSource) throws(ConnectionError) {
        let identifier: ConnectionIdentifier
        do throws(VerbError) {
            identifier = try table.createIdentifier(for: self)
            self.identifier = identifier
            try identifier.setAcknowledgementTimeout(options.timeout)
        } catch {
            throw ConnectionError(error)
        }
        switch source {
        case .anyPort:
            try resolveAddress(identifier, from: ownAddress, named: nil)
        case .address(let address):
            try resolveAddress(identifier, from: address, named: address)
        case .endpoint(let number, let address):
            guard let endpoint = table.endpoint(number) else { throw .endpointClosed(address) }
            try endpoint.bind(identifier, of: self)
            try resolveAddress(identifier, from: nil, named: address)
        }
    }

    // `named` is the local address that the user gave, which may be what is wrong.
    private func resolveAddress(
        _ identifier: ConnectionIdentifier, from source: SocketAddress?, named: SocketAddress?
    ) throws(ConnectionError) {
        do {
            try identifier.resolveAddress(
                peer.raw, from: source?.raw, timeoutMilliseconds: Self.resolutionMilliseconds)
        } catch {
            throw ConnectionError(error, from: named, to: peer)
        }
    }

    /// The adapter's address, so that the route begins there and not at another device of the same network.
    private var ownAddress: SocketAddress? {
        let address = table.info.address
        guard table.info.technology != .infiniBand, !address.isLinkLocal, address.isIPv4 == peer.address.isIPv4 else {
            return nil
        }
        return SocketAddress(address, port: 0)
    }

    /// How long a neighbour may take to tell its hardware address: the kernel gives up asking after three seconds.
    private static let resolutionMilliseconds = 3000

    // MARK: Events

    func addressResolved() {
        step { () throws(ConnectionError) in
            guard let identifier else { return }
            let device = identifier.deviceName ?? "?"
            guard device == table.info.name, identifier.port == table.info.port else {
                throw .otherDevice(peer, device: device, port: identifier.port)
            }
            noteAddresses(of: identifier)
            phase = .resolvingRoute
            do throws(VerbError) {
                try identifier.resolveRoute(timeoutMilliseconds: Self.resolutionMilliseconds)
            } catch {
                throw ConnectionError(error, from: nil, to: peer)
            }
        }
    }

    func routeResolved() {
        step { () throws(ConnectionError) in
            guard let identifier, let queuePair else { return }
            phase = .connecting
            do throws(VerbError) {
                try identifier.connect(parameters(queuePair, privateData: requestData))
            } catch {
                throw ConnectionError(error, from: nil, to: peer)
            }
        }
    }

    /// The peer has accepted.
    func responded(_ event: ConnectionEvent) {
        note(event)
        phase = .responded
        let answered = call
        call = nil
        answered?.succeed()
    }

    // MARK: The second half

    /// Completes a connection that the peer has accepted; requests can be posted afterwards.
    func completeConnect(_ call: PendingCall, onDisconnect: (@Sendable (ConnectionEnd) -> Void)?) {
        guard phase == .responded else {
            return call.fail(abortion ?? .wrongState(call: "completeConnect", state: phase.state))
        }
        self.call = call
        self.onDisconnect = onDisconnect
        step { () throws(ConnectionError) in
            try makeReady()
            do throws(VerbError) { try identifier?.establish() } catch { throw gaveUp(error) }
            established()
        }
    }

    /// Both sides are ready.
    func established() {
        queuePair?.noteConnected(outboundReads: reads.outbound)
        phase = .connected
        let answered = call
        call = nil
        answered?.succeed()
        // A queue pair that was closed meanwhile has said so before anybody listened for it.
        if queuePair?.hasEnded ?? true { queuePairEnded() }
    }
}
