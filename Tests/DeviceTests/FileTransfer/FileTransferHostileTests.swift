import FileService
import LAM
import TestSupport
import Testing

extension OnDevice {
    /// Clients that break the protocol: the server refuses, gives nothing away, and serves the next one.
    @Suite(.timeLimit(.minutes(5)))
    struct FileTransferHostileTests {
        private func expectService(_ server: LamServer) throws {
            let next = try server.get("file").wait()
            #expect(next.status == 0, "\(next)")
            #expect(server.areEqual("file", "file"))
        }

        private func serve() throws -> LamServer {
            let server = try LamServer()
            try server.makeServed("file", count: 100_000)
            return server
        }

        private static func grant(_ offset: UInt64, _ length: UInt32, address: UInt64 = 4096, key: UInt32 = 1)
            -> Message
        {
            .grant(ChunkGrant(chunk: Chunk(offset: offset, length: length), address: address, key: key))
        }

        @Test(
            arguments: [
                [0], Array(repeating: 0xFF, count: Message.byteCount), Message.stored.bytes, grant(0, 1).bytes,
                Array(Message.fetch(name: "file").bytes.dropLast()),
            ] as [[UInt8]])
        func `a first message that makes no sense is answered with the reason`(_ bytes: [UInt8]) async throws {
            let server = try serve()
            var client = try await HostileClient(to: server)
            try client.send(bytes)
            guard case .failure = try client.answer() else {
                Issue.record("not refused")
                return
            }
            #expect(try client.answer() == nil)
            #expect(try server.nextEvent().event == "failed")
            try expectService(server)
        }

        /// Expects the server to answer what was sent with a reason, and then to end the connection.
        private func expectRefusal(_ client: inout HostileClient, by server: LamServer, of name: String) throws {
            guard case .failure = try client.answer() else {
                Issue.record("not refused: \(name)")
                return
            }
            #expect(try client.answer() == nil)
            #expect(try server.nextEvent().event == "failed")
        }

        @Test func `a first message that makes no sense is answered with the reason`() async throws {
            let server = try serve()
            let messages: [(name: String, bytes: [UInt8])] = [
                ("one byte", [0]), ("garbage", Array(repeating: 0xFF, count: Message.byteCount)),
                ("a server's message", Message.stored.bytes), ("a grant of nothing", Self.grant(0, 1).bytes),
                ("a message cut short", Array(Message.fetch(name: "file").bytes.dropLast())),
            ]
            for (name, bytes) in messages {
                var client = try await HostileClient(to: server)
                try client.send(bytes)
                try expectRefusal(&client, by: server, of: name)
            }
            try expectService(server)
        }

        @Test func `a grant that the file does not have is refused`() async throws {
            let server = try serve()
            let messages: [Message] = [
                Self.grant(1, 10), Self.grant(0, 0), Self.grant(0, .max), Self.grant(0, 100_001), Self.grant(.max, 1),
                Self.grant(0, 4096, address: .max), .stored, .fetch(name: "file"),
            ]
            for message in messages {
                var client = try await HostileClient(to: server)
                try client.send(Message.fetch(name: "file").bytes)
                guard case .accepted(100_000, _) = try client.answer() else {
                    Issue.record("not accepted")
                    return
                }
                try client.send(message.bytes)
                try expectRefusal(&client, by: server, of: "\(message)")
            }
            try expectService(server)
        }

        @Test func `a grant of memory that is not the client's ends only its own connection`() async throws {
            let server = try serve()
            var client = try await HostileClient(to: server)
            try client.send(Message.fetch(name: "file").bytes)
            _ = try client.answer()
            try client.send(Self.grant(0, 4096, address: 0x1000, key: 0xDEAD_BEEF).bytes)
            #expect(try client.answer() == nil)
            #expect(try server.nextEvent().event == "failed")
            try server.process.waitUntilPinned(0...8)
            try expectService(server)
        }

        @Test func `a file of any announced size needs room`() async throws {
            let server = try serve()
            var client = try await HostileClient(to: server)
            try client.send(Message.store(name: "huge", byteCount: .max).bytes)
            guard case .failure(let reason) = try client.answer() else {
                Issue.record("not refused")
                return
            }
            #expect(reason.contains("no space"))
            #expect(LamServer.names(in: server.served) == ["file"])
        }

        @Test func `a client that says nothing keeps nobody else waiting`() async throws {
            let server = try serve()
            let client = try await HostileClient(to: server)
            try expectService(server)
            _ = consume client
        }

        @Test func `a client of another protocol is refused while it connects`() async throws {
            let server = try serve()
            let error = try await #require(throws: ConnectionError.self) {
                _ = try await HostileClient(to: server, greeting: [1, 2, 3])
            }
            guard case .refused(_, .peer, let privateData) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(Greeting.reason(in: privateData).contains("lam get"))
            try expectService(server)
        }
    }
}
