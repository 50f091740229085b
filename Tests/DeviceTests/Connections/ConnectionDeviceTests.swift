import Glibc
import LAM
import Synchronization
import Testing

@Suite(.serialized, .timeLimit(.minutes(2)))
struct ConnectionDeviceTests {
    @Test("[111] [117] two ends connect in two steps, tell each other private data and limits, and move data both ways")
    func connect() async throws {
        let adapter = try openDevice()
        let listener = try await adapter.listen(on: SocketAddress(adapter.info.address, port: 0))
        #expect(listener.address.port >= 49152)
        let active = try ConnectionSide(on: adapter)
        let passive = try ConnectionSide(on: adapter)
        try active.receive(0..<64, context: 1)
        try passive.receive(0..<64, context: 2)
        var options = ConnectionOptions()
        options.inboundReadLimit = 3
        let accepted = Task {
            let connector = try #require(await listener.next())
            #expect(connector.connectionData?.privateData == [1, 2, 3] + .zeros(53))
            try await connector.accept(passive.queuePair, privateData: [4, 5])
            return connector
        }
        let connector = try adapter.createConnector()
        try await connector.connect(active.queuePair, to: listener.address, privateData: [1, 2, 3], options: options)
        #expect(connector.connectionData?.privateData == [4, 5] + .zeros(194))
        #expect(connector.peerAddress == listener.address)
        try await connector.completeConnect()
        let other = try await accepted.value
        #expect(connector.connectionData?.inboundReadLimit == 3)
        #expect(other.connectionData?.outboundReadLimit == 3)
        #expect(connector.connectionData?.outboundReadLimit == 16)
        #expect(other.localAddress == listener.address)
        #expect(other.peerAddress == connector.localAddress)

        active.buffer.fill(4096..<4160, with: 0xA5)
        try active.send(4096..<4160, context: 3)
        #expect(try passive.wait(1).first?.context == 2)
        #expect(passive.buffer.contains(0..<64, only: 0xA5))
        passive.buffer.fill(4096..<4160, with: 0x5A)
        try passive.send(4096..<4160, context: 4)
        #expect(Set(try active.wait(2).map(\.context)) == [1, 3])
        #expect(active.buffer.contains(0..<64, only: 0x5A))
        try await connector.disconnect()
        #expect(await other.waitForDisconnect() == .disconnectedByPeer)
    }

    @Test("IPv6 addresses do as well")
    func version6() async throws {
        let adapter = try openDevice()
        let address = try #require(linkLocalAddress(beside: adapter.info.address))
        let listener = try await adapter.listen(on: address)
        let active = try ConnectionSide(on: adapter)
        let passive = try ConnectionSide(on: adapter)
        async let accepted = listener.acceptNext(passive)
        let connector = try await adapter.connect(active.queuePair, to: listener.address)
        let other = try await accepted
        #expect(other.localAddress == listener.address)
        try passive.receive(0..<64, context: 1)
        try active.send(0..<64, context: 2)
        #expect(try passive.wait(1).first?.status == .success)
        try await connector.disconnect()
    }

    @Test("[113] nobody listens")
    func noListener() async throws {
        let adapter = try openDevice()
        let side = try ConnectionSide(on: adapter)
        let address = SocketAddress(adapter.info.address, port: 7999)
        await #expect(throws: ConnectionError.refused(address, reason: .noListener, privateData: .zeros(148))) {
            _ = try await adapter.connect(side.queuePair, to: address)
        }
    }

    @Test("[113] a paused listener refuses, and takes requests again when it goes on")
    func pause() async throws {
        let adapter = try openDevice()
        let listener = try await adapter.listen(on: SocketAddress(adapter.info.address, port: 0))
        let active = try ConnectionSide(on: adapter)
        let passive = try ConnectionSide(on: adapter)
        await listener.pause()
        await #expect(throws: ConnectionError.refused(listener.address, reason: .peer, privateData: .zeros(148))) {
            _ = try await adapter.connect(active.queuePair, to: listener.address)
        }
        await listener.resume()
        async let accepted = listener.acceptNext(passive)
        let connector = try await adapter.connect(active.queuePair, to: listener.address)
        _ = try await accepted
        #expect(connector.state == .connected)
    }

    @Test("[112] the passive side refuses, and its private data arrives; the queue pair can try again")
    func reject() async throws {
        let adapter = try openDevice()
        let listener = try await adapter.listen(on: SocketAddress(adapter.info.address, port: 0))
        let side = try ConnectionSide(on: adapter)
        let refusing = Task { try await listener.next()?.reject(privateData: [7, 8]) }
        await #expect(
            throws: ConnectionError.refused(listener.address, reason: .peer, privateData: [7, 8] + .zeros(146))
        ) {
            _ = try await adapter.connect(side.queuePair, to: listener.address)
        }
        try await refusing.value
        let other = try ConnectionSide(on: adapter)
        async let accepted = listener.acceptNext(other)
        let connector = try await adapter.connect(side.queuePair, to: listener.address)
        _ = try await accepted
        #expect(connector.state == .connected)
    }

    @Test("[112] the active side refuses after the passive side has accepted")
    func activeReject() async throws {
        let adapter = try openDevice()
        let listener = try await adapter.listen(on: SocketAddress(adapter.info.address, port: 0))
        let active = try ConnectionSide(on: adapter)
        let passive = try ConnectionSide(on: adapter)
        let accepting = Task { try await listener.acceptNext(passive) }
        let connector = try adapter.createConnector()
        try await connector.connect(active.queuePair, to: listener.address)
        try await connector.reject(privateData: [9])
        let error = await #expect(throws: ConnectionError.self) { try await accepting.value }
        guard case .aborted(_, let data) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(data.first == 9)
    }

    @Test("[114] a port in use, an address of somebody else, and a port that is reserved")
    func addresses() async throws {
        let adapter = try openDevice()
        let listener = try await adapter.listen(on: SocketAddress(adapter.info.address, port: 0))
        await #expect(throws: ConnectionError.addressInUse(listener.address)) {
            _ = try await adapter.listen(on: listener.address)
        }
        for foreign in ["192.0.2.1:7471", "127.0.0.1:7471", "0.0.0.0:7471"].map({ SocketAddress($0)! }) {
            await #expect(throws: ConnectionError.addressNotAvailable(foreign)) {
                _ = try await adapter.listen(on: foreign)
            }
        }
        let side = try ConnectionSide(on: adapter)
        let source = SocketAddress("192.0.2.1:0")!
        await #expect(throws: ConnectionError.addressNotAvailable(source)) {
            _ = try await adapter.connect(side.queuePair, to: listener.address, from: source)
        }
        await listener.close()
        _ = try await adapter.listen(on: listener.address)
    }

    @Test("An address that nobody has is an error within the time limit")
    func nobody() async throws {
        let adapter = try openDevice()
        let side = try ConnectionSide(on: adapter)
        for text in ["10.77.0.99:7471", "203.0.113.1:7471"] {
            let begin = ContinuousClock.now
            let error = await #expect(throws: ConnectionError.self) {
                _ = try await adapter.connect(side.queuePair, to: SocketAddress(text)!, timeLimit: .seconds(5))
            }
            #expect(ContinuousClock.now - begin < .seconds(7))
            print("\(text): \(error.map { "\($0)" } ?? "no error") after \(ContinuousClock.now - begin)")
        }
    }

    @Test("A listener whose program is slow costs the active side its time limit, not 98 seconds")
    func slowListener() async throws {
        let adapter = try openDevice()
        let listener = try await adapter.listen(on: SocketAddress(adapter.info.address, port: 0))
        let active = try ConnectionSide(on: adapter)
        let passive = try ConnectionSide(on: adapter)
        let limit = Duration.milliseconds(300)
        await #expect(throws: ConnectionError.timedOut(listener.address, after: limit)) {
            _ = try await adapter.connect(active.queuePair, to: listener.address, timeLimit: limit)
        }
        // The program gets to the request when its peer has gone.
        let late = try #require(await listener.next())
        let error = await #expect(throws: ConnectionError.self) {
            try await late.accept(passive.queuePair, timeLimit: .seconds(5))
        }
        guard case .aborted = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(late.state == .ended(.notEstablished))
    }
}

extension [UInt8] {
    static func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
}
