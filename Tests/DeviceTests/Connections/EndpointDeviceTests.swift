import LAM
import Testing

@Suite("Local addresses on a device", .serialized, .timeLimit(.minutes(2)))
struct EndpointDeviceTests {
    @Test("[115] one port serves connections to several peers, and never two to the same one")
    func sharedEndpoint() async throws {
        let adapter = try openDevice()
        let own = SocketAddress(adapter.info.address, port: 0)
        let endpoint = try await adapter.createSharedEndpoint(on: own)
        #expect(endpoint.address.port >= 49152)
        let listeners = [try await adapter.listen(on: own), try await adapter.listen(on: own)]
        var pairs: [(active: ConnectionSide, passive: ConnectionSide, connector: Connector, accepted: Connector)] = []
        for listener in listeners {
            let (active, passive) = (try ConnectionSide(on: adapter), try ConnectionSide(on: adapter))
            async let accepting = listener.acceptNext(passive)
            let connector = try await active.connect(to: listener.address, through: endpoint, on: adapter)
            let accepted = try await accepting
            #expect(connector.localAddress == endpoint.address)
            #expect(accepted.peerAddress == endpoint.address)
            pairs.append((active, passive, connector, accepted))
        }
        for pair in pairs {
            try pair.passive.receive(0..<64, context: 1)
            try pair.active.send(0..<64, context: 2)
            #expect(try pair.passive.wait(1).map(\.status) == [.success])
        }
        let side = try ConnectionSide(on: adapter)
        let refusal = ConnectionError.addressAlreadyExists(from: endpoint.address, to: listeners[0].address)
        await #expect(throws: refusal) {
            try await side.connect(to: listeners[0].address, through: endpoint, on: adapter)
        }
        try await pairs[0].connector.disconnect()
        let again = try ConnectionSide(on: adapter)
        async let accepting = listeners[0].acceptNext(again)
        let connector = try await side.connect(to: listeners[0].address, through: endpoint, on: adapter)
        _ = try await accepting
        #expect(connector.state == .connected)
    }

    @Test("[114] [116] the address of a shared endpoint is nobody else's until its last connection has ended")
    func endpointAddress() async throws {
        let adapter = try openDevice()
        let other = try openDevice()
        let own = SocketAddress(adapter.info.address, port: 0)
        let endpoint = try await adapter.createSharedEndpoint(on: own)
        let listener = try await adapter.listen(on: own)
        let (active, passive) = (try ConnectionSide(on: adapter), try ConnectionSide(on: adapter))
        async let accepting = listener.acceptNext(passive)
        let connector = try await active.connect(to: listener.address, through: endpoint, on: adapter)
        _ = try await accepting
        try await other.expectTaken(endpoint.address, peer: listener.address)
        await endpoint.close()
        try await other.expectTaken(endpoint.address, peer: listener.address)
        try await connector.disconnect()
        await endpoint.closed()
        _ = try await other.listen(on: endpoint.address)
    }

    @Test(
        "[116] a closed listener refuses at once, and its address is nobody else's until its last connection has ended")
    func listenerAddress() async throws {
        let adapter = try openDevice()
        let other = try openDevice()
        let listener = try await adapter.listen(on: SocketAddress(adapter.info.address, port: 0))
        let (active, passive) = (try ConnectionSide(on: adapter), try ConnectionSide(on: adapter))
        async let accepting = listener.acceptNext(passive)
        let connector = try await adapter.connect(active.queuePair, to: listener.address)
        let accepted = try await accepting
        await listener.close()
        let late = try ConnectionSide(on: other)
        await #expect(throws: ConnectionError.refused(listener.address, reason: .peer, privateData: .zeros(148))) {
            _ = try await other.connect(late.queuePair, to: listener.address)
        }
        try await other.expectTaken(listener.address, peer: listener.address)
        try passive.receive(0..<64, context: 1)
        try active.send(0..<64, context: 2)
        #expect(try passive.wait(1).map(\.status) == [.success])
        try await connector.disconnect()
        #expect(await accepted.waitForDisconnect() == .disconnectedByPeer)
        await listener.closed()
        _ = try await other.listen(on: listener.address)
    }
}

extension ConnectionSide {
    fileprivate func connect(
        to peer: SocketAddress, through endpoint: SharedEndpoint, on adapter: Adapter
    ) async throws -> Connector {
        let connector = try adapter.createConnector()
        try await connector.connect(queuePair, to: peer, through: endpoint)
        try await connector.completeConnect()
        return connector
    }
}

extension Adapter {
    /// Checks that nobody gets the address, whatever for.
    fileprivate func expectTaken(_ address: SocketAddress, peer: SocketAddress) async throws {
        await #expect(throws: ConnectionError.addressInUse(address)) { try await self.listen(on: address) }
        await #expect(throws: ConnectionError.addressInUse(address)) {
            try await self.createSharedEndpoint(on: address)
        }
        let side = try ConnectionSide(on: self)
        await #expect(throws: ConnectionError.addressInUse(address)) {
            try await self.connect(side.queuePair, to: peer, from: address)
        }
    }
}
