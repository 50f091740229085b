import Foundation
import LAM
import TestSupport
import Testing

/// The example in C, as two processes.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct BlockStoreTests {
    /// A server that listens, and its address.
    private static func server(_ options: [String]) throws -> (process: LamProcess, address: String) {
        let own = try openDevice().info.address
        let server = try LamProcess(["serve", "\(own):0"] + options, program: "block-store")
        guard let line = server.line(), line.hasPrefix("listening on ") else {
            throw DeviceProcess.Failure(description: "the server ended: \(try server.wait())")
        }
        return (server, String(line.dropFirst("listening on ".count)))
    }

    private static func client(_ address: String, _ options: [String] = []) throws -> LamProcess {
        try LamProcess(["run", address] + options, program: "block-store")
    }

    @Test("blocks are written, read and compared, one and many at a time", arguments: [1, 16, 64])
    func readsWhatItWrote(depth: Int) throws {
        let (server, address) = try Self.server(["--blocks", "40", "--once"])
        let client = try Self.client(address, ["--depth", "\(depth)", "--rounds", "2"]).wait()
        #expect(client.status == 0, "\(client.errors)")
        #expect(client.output == "80 blocks of 65536 bytes written, read and compared\n")
        let outcome = try server.wait()
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output == "client gone after 160 requests\n")
    }

    @Test("[119] a client that is killed is gone for the server, which ends in order")
    func killedClient() throws {
        let (server, address) = try Self.server(["--blocks", "40", "--once"])
        let client = try Self.client(address, ["--rounds", "1000000"])
        try client.waitUntilPinned(1...)
        usleep(300_000)
        client.send(SIGKILL)
        _ = try client.wait()
        let outcome = try server.wait()
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.hasPrefix("client gone after "))
    }

    @Test("[119] a server that is killed is gone for the client, which says so and ends in order")
    func killedServer() throws {
        let (server, address) = try Self.server(["--blocks", "40"])
        let client = try Self.client(address, ["--rounds", "1000000"])
        try client.waitUntilPinned(1...)
        usleep(300_000)
        server.send(SIGKILL)
        _ = try server.wait()
        let outcome = try client.wait()
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("the server is gone") || outcome.errors.contains("ended with STATUS_"))
    }

    @Test("a client that finds nobody says so")
    func nobody() throws {
        let own = try openDevice().info.address
        let outcome = try Self.client("\(own):7998").wait()
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("STATUS_CONNECTION_REFUSED"))
    }
}
