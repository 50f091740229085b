import Foundation
import Testing

extension OnDevice {
    /// `lam serve`, `lam get` and `lam put` as processes: what they move, and what they refuse.
    @Suite(.timeLimit(.minutes(5)))
    struct FileTransferTests {
        @Test func `a file goes there and comes back the same, whatever its size`() throws {
            let server = try LamServer()
            for count in [0, 1, 4095, 4097, 10_485_763] {
                let path = server.fetched + "/original"
                try LamServer.randomBytes(count).write(to: URL(filePath: path))
                let put = try server.put(path, as: "copy").wait()
                #expect(put.status == 0, "\(count) bytes: \(put)")
                #expect(server.areEqual("copy", "original"))
                let get = try server.get("copy").wait()
                #expect(get.status == 0, "\(count) bytes: \(get)")
                #expect(get.output.hasPrefix("got copy: "))
                #expect(get.errors.isEmpty)
                #expect(server.areEqual("copy", "file"))
                for _ in 0..<2 { #expect(try server.nextEvent().bytes == UInt64(count)) }
            }
            let (last, outcome) = try server.stop()
            #expect(outcome.status == 0)
            #expect(last.pinnedBytes == 0)
            #expect(last.mappingsBuilt == last.mappingsReleased)
        }

        @Test func `an existing file is replaced, and a directory is a destination`() throws {
            let server = try LamServer()
            try server.makeServed("old", count: 10)
            try Data([1]).write(to: URL(filePath: server.fetched + "/old"))
            let get = try server.get("old", as: "").wait()
            #expect(get.status == 0, "\(get)")
            #expect(server.areEqual("old", "old"))
            #expect(LamServer.names(in: server.fetched) == ["old"])
        }

        @Test func `what is not in the directory is neither given nor taken, and nothing is left`() throws {
            let server = try LamServer()
            let files = FileManager.default
            try Data([1]).write(to: URL(filePath: server.fetched + "/secret"))
            try files.createSymbolicLink(
                atPath: server.served + "/link", withDestinationPath: server.fetched + "/secret")
            try files.createSymbolicLink(atPath: server.served + "/way", withDestinationPath: server.fetched)
            try files.createDirectory(atPath: server.served + "/sub", withIntermediateDirectories: false)
            for (name, reason) in [
                ("../fetched/secret", "is refused"), ("/etc/passwd", "is refused"), ("link", "is not a regular file"),
                ("way/secret", "directory"), ("sub", "is not a regular file"),
            ] {
                for client in [try server.get(name), try server.put(server.fetched + "/secret", as: name)] {
                    let outcome = try client.wait()
                    #expect(outcome.status == 1)
                    #expect(outcome.errors.hasPrefix("lam: the other end ended the transfer: "))
                    #expect(outcome.errors.contains(reason), "\(name): \(outcome.errors)")
                }
            }
            #expect(try server.get("absent").wait().errors.contains("there is no file 'absent'"))
            #expect(LamServer.names(in: server.fetched) == ["secret"])
            #expect(LamServer.names(in: server.served) == ["link", "sub", "way"])
        }

        @Test func `a server that only reads takes nothing`() throws {
            let server = try LamServer(["--read-only"])
            try server.makeServed("file", count: 100)
            let put = try server.put(server.served + "/file", as: "other").wait()
            #expect(put.status == 1)
            #expect(put.errors.contains("--read-only"))
            #expect(try server.get("file").wait().status == 0)
            #expect(LamServer.names(in: server.served) == ["file"])
        }

        @Test func `several clients are served at a time, and no more than allowed`() throws {
            let server = try LamServer(["--clients", "3"])
            try server.makeServed("file", count: 6 << 20)
            let clients = try (0..<3).map { number in try server.get("file", as: "file\(number)") }
            let outcomes = try clients.map { client in try client.wait() }
            #expect(outcomes.map(\.status) == [0, 0, 0], "\(outcomes)")
            for number in 0..<3 { #expect(server.areEqual("file", "file\(number)")) }
            let (last, _) = try server.stop()
            #expect(last.pinnedBytes == 0)
        }

        @Test func `one client too many is refused with the reason`() throws {
            let server = try LamServer(["--clients", "1"])
            try server.makeLarge(server.served + "/large")
            let first = try server.get("large")
            try first.waitUntilPinned(1024...)
            let second = try server.get("large", as: "second").wait()
            #expect(second.status == 1)
            #expect(second.errors.contains("1 clients are being served; try again later"))
            first.send(SIGKILL)
            _ = try first.wait()
        }

        @Test func `nobody listens, and the client says so at once`() throws {
            let server = try LamServer()
            let address = server.address
            _ = try server.stop()
            let get = try LamProcess.run(["get", "file", server.fetched, "--from", address] + LamProcess.device)
            #expect(get.status == 1)
            #expect(get.errors.hasPrefix("lam: no one serves at \(address)"))
            #expect(LamServer.names(in: server.fetched) == [])
        }
    }
}
