import Foundation
import TestSupport
import Testing

extension OnDevice {
    /// Transfers that meet a limit of the machine.
    @Suite(.timeLimit(.minutes(5)))
    struct FileTransferLimitTests {
        /// A file system with little room, at a directory that exists.
        private final class SmallDisk {
            let path: String

            init(at path: String, megabytes: Int) throws {
                self.path = path
                _ = try DeviceProcess.output(
                    of: "mount", ["-t", "tmpfs", "-o", "size=\(megabytes)m", "small", path])
            }

            deinit {
                _ = try? DeviceProcess.output(of: "umount", [path])
            }
        }

        @Test func `a disk that is too small is known before anything moves`() throws {
            let server = try LamServer()
            try server.makeServed("file", count: 3 << 20)
            let disk = try SmallDisk(at: server.fetched, megabytes: 2)
            let get = try server.get("file").wait()
            #expect(get.status == 1)
            #expect(get.errors.hasPrefix("lam: no space for the 3145728 bytes of"))
            #expect(LamServer.names(in: disk.path) == [])
            #expect(try server.nextEvent().reason?.contains("no space") == true)
        }

        @Test func `a served disk that is too small refuses`() throws {
            let server = try LamServer()
            let path = server.fetched + "/file"
            try LamServer.randomBytes(3 << 20).write(to: URL(filePath: path))
            // The server has opened its directory, so the small one is below it.
            try FileManager.default.createDirectory(
                atPath: server.served + "/small", withIntermediateDirectories: false)
            let disk = try SmallDisk(at: server.served + "/small", megabytes: 2)
            let put = try server.put(path, as: "small/file").wait()
            #expect(put.status == 1)
            #expect(put.errors.contains("no space for the 3145728 bytes"))
            #expect(LamServer.names(in: disk.path) == [])
        }

        @Test func `a disk that becomes full half-way leaves no part of a file`() throws {
            let server = try LamServer()
            try server.makeServed("file", count: 8 << 20)
            let disk = try SmallDisk(at: server.fetched, megabytes: 12)
            // Each alone would fit.
            let clients = try (0..<2).map { number in try server.get("file", as: "file\(number)") }
            let outcomes = try clients.map { client in try client.wait() }
            let failed = outcomes.filter { $0.status != 0 }
            #expect(!failed.isEmpty)
            for outcome in failed { #expect(outcome.errors.contains("no space")) }
            let complete = outcomes.indices.filter { outcomes[$0].status == 0 }.map { "file\($0)" }
            #expect(LamServer.names(in: disk.path) == complete)
            for name in complete { #expect(server.areEqual("file", name)) }
            #expect(try server.get("file", as: "").wait().status == (complete.isEmpty ? 0 : 1))
        }

        @Test func `a process that may pin little moves smaller chunks, and one that may pin nothing says so`() throws {
            let server = try LamServer()
            try server.makeServed("file", count: 3 << 20)
            func limited(_ kilobytes: Int) -> [String] {
                ["prlimit", "--memlock=\(kilobytes << 10)", "setpriv", "--bounding-set", "-ipc_lock"]
            }
            let small = try server.get("file", under: limited(512)).wait()
            #expect(small.status == 0, "\(small)")
            #expect(server.areEqual("file", "file"))
            let none = try server.get("file", as: "none", under: limited(64)).wait()
            #expect(none.status == 1)
            #expect(none.errors.contains("RLIMIT_MEMLOCK"))
            #expect(none.errors.contains("ulimit -l"))
            #expect(LamServer.names(in: server.fetched) == ["file"])
        }
    }
}
