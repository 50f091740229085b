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
        #expect(stage.device.identifierNumbers == [1])
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
        "114: each refused address has its error",
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

    @Test("Closing an adapter waits for its listener, and ends its thread")
    func adapterClose() async throws {
        let device = FakeDevice()
        let adapter = try Adapter.open(over: device.verbs)
        let listener = try await adapter.listen(on: ConnectionStage.own)
        do throws(AdapterError) {
            try adapter.close(waiting: .milliseconds(1))
            Issue.record("closed with a listener")
        } catch {
            guard case .survivors(let survivors) = error else { throw error }
            #expect(survivors.connections == 1)
        }
        await listener.close()
        try adapter.close(waiting: .seconds(5))
        #expect(await listener.next() == nil)
        await #expect(throws: ConnectionError.adapterClosed) { _ = try await adapter.listen(on: ConnectionStage.own) }
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
