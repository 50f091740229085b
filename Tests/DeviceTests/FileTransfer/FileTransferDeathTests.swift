import Foundation
import Testing

extension OnDevice {
    /// Transfers of which one end is killed or ended half-way.
    @Suite(.timeLimit(.minutes(5)))
    struct FileTransferDeathTests {
        /// An end that has mapped chunks is in the middle.
        private static let halfWay = 1024...
        /// What a server has pinned when no client is connected: the page of the adapter's token.
        private static let idle = 0...8

        /// Expects the server to have given everything of the client up, and to serve the next one.
        private func expectRecovery(_ server: LamServer) throws {
            #expect(try server.nextEvent().event == "failed")
            try server.process.waitUntilPinned(Self.idle)
            try server.makeServed("next", count: 5000)
            let next = try server.get("next", as: "next").wait()
            #expect(next.status == 0, "\(next)")
            #expect(server.areEqual("next", "next"))
        }

        @Test func `a client that is killed while it gets leaves nothing, and the server goes on`() throws {
            let server = try LamServer()
            try server.makeLarge(server.served + "/large")
            let client = try server.get("large")
            try client.waitUntilPinned(Self.halfWay)
            client.send(SIGKILL)
            #expect(try client.wait().signal == SIGKILL)
            try expectRecovery(server)
            #expect(!LamServer.names(in: server.fetched).contains("file"))
        }

        @Test func `a client that is killed while it puts leaves nothing on the server`() throws {
            let server = try LamServer()
            try server.makeLarge(server.fetched + "/large")
            let client = try server.put(server.fetched + "/large", as: "large")
            try client.waitUntilPinned(Self.halfWay)
            client.send(SIGKILL)
            #expect(try client.wait().signal == SIGKILL)
            try expectRecovery(server)
            #expect(LamServer.names(in: server.served) == ["next"])
        }

        @Test(arguments: [SIGINT, SIGTERM])
        func `a client that is interrupted says so and removes what it has`(_ signal: Int32) throws {
            let server = try LamServer()
            try server.makeLarge(server.served + "/large")
            let client = try server.get("large")
            try client.waitUntilPinned(Self.halfWay)
            client.send(signal)
            let outcome = try client.wait()
            #expect(outcome.status == 1)
            #expect(outcome.errors == "lam: interrupted\n")
            try expectRecovery(server)
            #expect(LamServer.names(in: server.fetched) == ["next"])
        }

        @Test func `a server that is killed ends its clients with an error`() throws {
            let server = try LamServer()
            try server.makeLarge(server.served + "/large")
            try server.makeLarge(server.fetched + "/large")
            let clients = [try server.get("large"), try server.put(server.fetched + "/large", as: "put")]
            for client in clients { try client.waitUntilPinned(Self.halfWay) }
            server.process.send(SIGKILL)
            for client in clients {
                let outcome = try client.wait()
                #expect(outcome.status == 1, "\(outcome)")
                #expect(outcome.errors.hasPrefix("lam: the "))
            }
            #expect(LamServer.names(in: server.fetched) == ["large"])
            #expect(LamServer.names(in: server.served).filter { !$0.hasPrefix(".") } == ["large"])
        }

        @Test func `a server that is interrupted releases everything and tells its clients`() throws {
            let server = try LamServer()
            try server.makeLarge(server.served + "/large")
            let client = try server.get("large")
            try client.waitUntilPinned(Self.halfWay)
            let (last, outcome) = try server.stop()
            #expect(outcome.status == 0, "\(outcome)")
            #expect(last.pinnedBytes == 0)
            #expect(last.mappingsBuilt == last.mappingsReleased)
            let ended = try client.wait()
            #expect(ended.status == 1)
            #expect(ended.errors == "lam: the other end ended the transfer: interrupted\n")
            #expect(LamServer.names(in: server.fetched) == [])
        }
    }
}
