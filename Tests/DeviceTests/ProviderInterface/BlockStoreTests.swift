import Foundation
import LAM
import TestSupport
import Testing

extension OnDevice {
    /// The example in C, as two processes.
    @Suite(.timeLimit(.minutes(3)))
    struct BlockStoreTests {
        /// A server that listens, and its address.
        private static func server(
            at address: String? = nil, _ options: [String]
        ) throws -> (process: LamProcess, address: String) {
            let own = try address ?? openDevice().info.address.description
            let server = try LamProcess(["serve", "\(own):0"] + options, program: "block-store")
            guard let line = server.line(), line.hasPrefix("listening on ") else {
                throw DeviceProcess.Failure(description: "the server ended: \(try server.wait())")
            }
            return (server, String(line.dropFirst("listening on ".count)))
        }

        private static func client(_ address: String, _ options: [String] = []) throws -> LamProcess {
            try LamProcess(["run", address] + options, program: "block-store")
        }

        @Test(arguments: [1, 16, 64])
        func `blocks are written, read and compared, one and many at a time`(depth: Int) throws {
            let (server, address) = try Self.server(["--blocks", "40", "--once"])
            let client = try Self.client(address, ["--depth", "\(depth)", "--rounds", "2"]).wait()
            #expect(client.status == 0, "\(client.errors)")
            #expect(client.output == "80 blocks of 65536 bytes written, read and compared\n")
            let outcome = try server.wait()
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.output == "client gone after 160 requests\n")
        }

        @Test
        func `[119] a client that is killed is gone for the server, which ends in order`() throws {
            let (server, address) = try Self.server(["--blocks", "40", "--once"])
            let client = try Self.client(address, ["--rounds", "1000000"])
            try server.waitUntilPinned(1024...)
            usleep(300_000)
            client.send(SIGKILL)
            _ = try client.wait()
            let outcome = try server.wait()
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.output.hasPrefix("client gone after "))
        }

        @Test
        func `[119] a server that is killed is gone for the client, which says so and ends in order`() throws {
            let (server, address) = try Self.server(["--blocks", "40"])
            let client = try Self.client(address, ["--rounds", "1000000"])
            try server.waitUntilPinned(1024...)
            usleep(300_000)
            server.send(SIGKILL)
            _ = try server.wait()
            let outcome = try client.wait()
            #expect(outcome.status == 1)
            #expect(Self.saysThatThePeerIsGone(outcome), "\(outcome.errors)")
        }

        /// Whichever it meets first: the disconnect, a result that failed, a request that is refused, or silence.
        private static func saysThatThePeerIsGone(_ outcome: LamProcess.Outcome) -> Bool {
            outcome.errors.contains("the server is gone") || outcome.errors.contains("ended with STATUS_")
                || outcome.errors.contains("STATUS_CONNECTION_INVALID")
                || outcome.errors.contains("a sign of life: STATUS_IO_TIMEOUT")
        }

        @Test(.enabled(if: PullableLink.isPossible, "no devices can be made where the device is not soft-RoCE"))
        func `[119] a pulled link ends a client at work and a server, each with what failed`() throws {
            let link = try PullableLink()
            let (server, address) = try Self.server(at: link.address, ["--blocks", "40", "--once"])
            let client = try Self.client(address, ["--from", link.address, "--rounds", "1000000"])
            try server.waitUntilPinned(1024...)
            usleep(300_000)
            try link.pull()
            let outcomes = (try client.wait(), try server.wait())
            #expect(outcomes.0.status == 1)
            #expect(Self.saysThatThePeerIsGone(outcomes.0), "\(outcomes.0.errors)")
            #expect(outcomes.1.status == 0)
            #expect(Self.saysThatThePeerIsGone(outcomes.1), "\(outcomes.1.errors)")
            #expect(outcomes.1.output.hasPrefix("client gone after "))
        }

        @Test
        func `a client that finds nobody says so`() throws {
            let own = try openDevice().info.address
            let outcome = try Self.client("\(own):7998").wait()
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("STATUS_CONNECTION_REFUSED"))
        }
    }
}
