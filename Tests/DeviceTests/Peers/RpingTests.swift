import LAM
import TestSupport
import Testing

extension OnDevice {
    /// The other end is a program that nobody here wrote.
    @Suite("With rping", .timeLimit(.minutes(2)))
    struct RpingTests {
        @Test("as server, our client lets its memory be read and written", arguments: [64, 5000, 65535])
        func client(size: Int) async throws {
            let adapter = try Pair.openAdapter()
            let rping = Rping(["-s", "-a", "\(adapter.info.address)", "-p", "7174", "-S", "\(size)", "-v"])
            do {
                let endpoint = try RpingEndpoint(on: adapter, size: size)
                let connector = try await connect(endpoint.queuePair, on: adapter)
                let opened = try endpoint.open()
                for round in 0..<5 {
                    let text = Self.text(round, size)
                    #expect(try endpoint.ping(text, through: opened) == text)
                }
                try await connector.disconnect()
            }
            #expect(try rping.output().split(separator: "\n").count { $0.hasPrefix("server ping data") } == 5)
            try adapter.close(waiting: .seconds(10))
        }

        @Test(
            "as client, our server reads and writes its memory, and it finds there what it expects",
            arguments: [64, 65535])
        func server(size: Int) async throws {
            let adapter = try Pair.openAdapter()
            let address = SocketAddress(adapter.info.address, port: 0)
            let listener = try await adapter.listen(on: address)
            let rping = Rping([
                "-c", "-a", "\(adapter.info.address)", "-p", "\(listener.address.port)", "-S", "\(size)", "-C", "10",
                "-V", "-v",
            ])
            do {
                let connector = try #require(await listener.next())
                let endpoint = try RpingEndpoint(on: adapter, size: size)
                try await connector.accept(endpoint.queuePair)
                for _ in 0..<10 { #expect(try endpoint.answer().starts(with: Array("rdma-ping-".utf8))) }
                #expect(await connector.waitForDisconnect() == .disconnectedByPeer)
            }
            #expect(try rping.output().split(separator: "\n").count { $0.hasPrefix("ping data") } == 10)
            await listener.close()
            try adapter.close(waiting: .seconds(10))
        }

        /// The server may need a moment until it listens.
        private func connect(_ queuePair: borrowing QueuePair, on adapter: Adapter) async throws -> Connector {
            let address = SocketAddress(adapter.info.address, port: 7174)
            for _ in 0..<100 {
                do throws(ConnectionError) {
                    return try await adapter.connect(queuePair, to: address)
                } catch .refused(_, reason: .noListener, _) {
                    try await Task.sleep(for: .milliseconds(100))
                }
            }
            return try await adapter.connect(queuePair, to: address)
        }

        /// Letters that differ from round to round, and the zero that ends them.
        private static func text(_ round: Int, _ size: Int) -> [UInt8] {
            (0..<(size - 1)).map { UInt8(ascii: "a") + UInt8(($0 + round) % 26) } + [0]
        }
    }
}

/// rping in a process of its own, which does not live longer than a minute.
private final class Rping: Sendable {
    private let result = SharedValue<Result<String, any Error>?>(nil)
    private let thread: TestThread

    init(_ arguments: [String]) {
        thread = TestThread { [result] in
            result.value = Result { try DeviceProcess.output(of: "timeout", ["60", "rping"] + arguments) }
        }
    }

    /// Waits for its end.
    ///
    /// - Returns: what it printed.
    /// - Throws: where its exit status is not 0.
    func output() throws -> String {
        thread.join()
        return try result.value!.get()
    }
}
