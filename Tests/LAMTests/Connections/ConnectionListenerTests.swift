import CRDMA
import Glibc
import LAM
import TestSupport
import Testing
import Verbs

@Suite(.timeLimit(.minutes(1)))
struct ConnectionListenerTests {
    @Test("Closing a listener refuses what nobody has taken, and tells those who wait")
    func close() async throws {
        let stage = try ConnectionStage()
        let listener = try await stage.adapter.listen(on: ConnectionStage.own)
        for _ in 0..<3 { stage.device.deliver(RDMA_CM_EVENT_CONNECT_REQUEST, to: 0) }
        let first = try #require(await listener.next())
        await listener.close()
        try await stage.device.loses(3)
        #expect(stage.device.identifierNumbers == [0, 1])
        #expect(first.state == .requested)
        #expect(await listener.next() == nil)
        await listener.close()
    }

    @Test("Those who wait get the requests in turn, and nothing after the end")
    func takers() async throws {
        let stage = try ConnectionStage()
        let listener = try await stage.adapter.listen(on: ConnectionStage.own)
        let counted = Task {
            var count = 0
            for await connector in listener {
                try await connector.reject()
                count += 1
            }
            return count
        }
        for index in 1...3 {
            stage.device.deliver(RDMA_CM_EVENT_CONNECT_REQUEST, to: 0)
            try await stage.device.reaches(.reject, index)
        }
        await listener.close()
        #expect(try await counted.value == 3)
    }

    @Test("A cancelled task waits no longer, and takes no request away")
    func cancelled() async throws {
        let stage = try ConnectionStage()
        let listener = try await stage.adapter.listen(on: ConnectionStage.own)
        let task = Task { await listener.next() }
        task.cancel()
        #expect(await task.value == nil)
        stage.device.deliver(RDMA_CM_EVENT_CONNECT_REQUEST, to: 0)
        #expect(await listener.next() != nil)
    }

    @Test("Requests beyond the backlog are refused")
    func backlog() async throws {
        let stage = try ConnectionStage()
        let listener = try await stage.adapter.listen(on: ConnectionStage.own, backlog: 2)
        for _ in 0..<3 { stage.device.deliver(RDMA_CM_EVENT_CONNECT_REQUEST, to: 0) }
        try await stage.device.loses(3)
        #expect(stage.device.identifierNumbers == [0, 1, 2])
        await listener.close()
    }

    @Test(
        "[114] each refused address has its error",
        arguments: [
            (EADDRINUSE, ConnectionError.addressInUse(ConnectionStage.own)),
            (EADDRNOTAVAIL, .addressNotAvailable(ConnectionStage.own)),
            (ENODEV, .addressNotAvailable(ConnectionStage.own)),
            (EACCES, .portNotAllowed(ConnectionStage.own)),
        ])
    func addresses(code: CInt, error: ConnectionError) async throws {
        let stage = try ConnectionStage()
        stage.device.inject(code, into: .bindAddress)
        await #expect(throws: error) { _ = try await stage.adapter.listen(on: ConnectionStage.own) }
        #expect(stage.device.identifierNumbers.isEmpty)
    }

    @Test("Closing an adapter closes its listeners, and ends its thread")
    func adapterClose() async throws {
        let device = FakeDevice()
        let adapter = try Adapter.open(over: device.verbs)
        let listener = try await adapter.listen(on: ConnectionStage.own)
        async let next = listener.next()
        try adapter.close(waiting: .seconds(5))
        #expect(await next == nil)
        #expect(device.liveObjectCount < 5)
        await #expect(throws: ConnectionError.adapterClosed) { _ = try await adapter.listen(on: ConnectionStage.own) }
    }

    @Test("[113] a paused listener refuses requests, also those that nobody has taken, until it goes on")
    func pause() async throws {
        let stage = try ConnectionStage()
        let listener = try await stage.adapter.listen(on: ConnectionStage.own)
        stage.device.deliver(RDMA_CM_EVENT_CONNECT_REQUEST, to: 0)
        stage.device.deliver(RDMA_CM_EVENT_CONNECT_REQUEST, to: 0)
        let first = try #require(await listener.next())
        await listener.pause()
        stage.device.deliver(RDMA_CM_EVENT_CONNECT_REQUEST, to: 0)
        try await stage.device.loses(2)
        try await stage.device.loses(3)
        #expect(stage.device.identifierNumbers == [0, 1])
        #expect(first.state == .requested)
        await listener.resume()
        stage.device.deliver(RDMA_CM_EVENT_CONNECT_REQUEST, to: 0)
        #expect(try #require(await listener.next()).state == .requested)
    }

    @Test("[113] pausing leaves those who wait for a request waiting")
    func pauseWhileWaiting() async throws {
        let stage = try ConnectionStage()
        let listener = try await stage.adapter.listen(on: ConnectionStage.own)
        async let next = listener.next()
        await listener.pause()
        await listener.resume()
        stage.device.deliver(RDMA_CM_EVENT_CONNECT_REQUEST, to: 0)
        #expect(await next != nil)
    }

    @Test("[106] [116] a closed listener refuses at once, and keeps its address until its last connection has ended")
    func closed() async throws {
        let stage = try ConnectionStage()
        let (listener, connector) = try await stage.requested()
        let queuePair = try stage.queuePair()
        async let script: Void = {
            try await stage.device.reaches(.accept)
            stage.device.deliver(RDMA_CM_EVENT_ESTABLISHED, to: 1)
        }()
        try await connector.accept(queuePair)
        try await script
        let isClosed = SharedValue(false)
        let closing = Task {
            await listener.closed()
            isClosed.value = true
        }
        #expect(await listener.next() == nil)
        stage.device.deliver(RDMA_CM_EVENT_CONNECT_REQUEST, to: 0)
        try await stage.device.loses(2)
        await #expect(throws: ConnectionError.addressInUse(ConnectionStage.own)) {
            try await stage.adapter.listen(on: ConnectionStage.own)
        }
        await #expect(throws: ConnectionError.addressInUse(ConnectionStage.own)) {
            try await stage.adapter.createSharedEndpoint(on: ConnectionStage.own)
        }
        #expect(stage.adapter.survivors.connections == 2)
        #expect(!isClosed.value)
        stage.device.deliver(RDMA_CM_EVENT_DISCONNECTED, to: 1)
        await closing.value
        #expect(stage.device.identifierNumbers.isEmpty)
        _ = try await stage.adapter.listen(on: ConnectionStage.own)
    }

    @Test("[116] a request that was taken and not answered keeps the address as well")
    func unanswered() async throws {
        let stage = try ConnectionStage()
        do {
            let (listener, connector) = try await stage.requested()
            await listener.close()
            #expect(stage.device.identifierNumbers == [0, 1])
            #expect(connector.state == .requested)
        }
        try await stage.device.loses(1)
        try await stage.device.loses(0)
    }

    @Test("[109] each of those who wait for the end of a listener is told once")
    func closedBySeveral() async throws {
        let stage = try ConnectionStage()
        let (listener, connector) = try await stage.requested()
        await withTaskGroup { group in
            for _ in 0..<8 { group.addTask { await listener.closed() } }
            group.addTask { try? await connector.reject() }
            await group.waitForAll()
        }
        await listener.closed()
        await listener.close()
        #expect(stage.device.identifierNumbers.isEmpty)
    }

    @Test("[114] where no port was asked for, one from 49152 on is taken that nobody has")
    func anyPort() async throws {
        let stage = try ConnectionStage()
        let address = LAM.SocketAddress(ConnectionStage.own.address, port: 0)
        stage.device.inject(EADDRINUSE, into: .bindAddress, times: 16383)
        let listener = try await stage.adapter.listen(on: address)
        #expect(listener.address.port >= 49152)
        #expect(stage.device.callCount(.bindAddress) == 16384)
        await #expect(throws: ConnectionError.addressInUse(listener.address)) {
            try await stage.adapter.listen(on: listener.address)
        }
        stage.device.inject(EADDRINUSE, into: .bindAddress, times: 16384)
        await #expect(throws: ConnectionError.noPortLeft(address)) { try await stage.adapter.listen(on: address) }
        stage.device.inject(EADDRNOTAVAIL, into: .bindAddress)
        let error = await #expect(throws: ConnectionError.self) { try await stage.adapter.listen(on: address) }
        guard case .addressNotAvailable = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("A removed device ends a listener")
    func removal() async throws {
        let stage = try ConnectionStage()
        let listener = try await stage.adapter.listen(on: ConnectionStage.own)
        stage.device.deliver(RDMA_CM_EVENT_DEVICE_REMOVAL, to: 0)
        #expect(await listener.next() == nil)
        #expect(stage.device.identifierNumbers.isEmpty)
    }
}
