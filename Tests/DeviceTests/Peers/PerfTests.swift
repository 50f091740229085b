import Foundation
import TestSupport
import Testing

extension OnDevice {
    /// `lam perf`, both ends on the device.
    @Suite(.timeLimit(.minutes(5)))
    struct PerfTests {
        struct Result: Decodable {
            let operation: String
            let bytes: Int
            let mappingsBuilt: Int
            let bytesPerSecond: Double?
            let medianMicroseconds: Double?
        }

        @Test(arguments: ["write", "read", "send"])
        func `measures bandwidth with the mappings built once, for each message, cached, or cut from an arena`(
            _ operation: String
        ) throws {
            let server = try PerfServer()
            for (mappings, isBuilt) in [("once", 0...0), ("fresh", 50...55), ("cached", 0...2), ("arena", 0...4)] {
                let result = try server.measure([operation, "--count", "50", "--depth", "8", "--mappings", mappings])
                #expect(result.operation == operation)
                #expect(try #require(result.bytesPerSecond) > 0)
                #expect(isBuilt.contains(result.mappingsBuilt), "\(mappings)")
            }
            #expect(try server.stop().status == 0)
        }

        @Test(arguments: ["write", "read", "send"])
        func `measures latency, of a message of a single byte too`(_ operation: String) throws {
            let server = try PerfServer()
            for size in ["1", "4096"] {
                let result = try server.measure([operation, "--latency", "--count", "20", "--size", size])
                #expect(try #require(result.medianMicroseconds) > 0)
            }
            #expect(try server.stop().status == 0)
        }

        @Test func `measures whatever is separated by commas with each other, as a table or a list`() throws {
            let server = try PerfServer()
            let options = [
                "write", "--count", "20", "--size", "512,8192", "--depth", "1,4", "--mappings", "once,cached",
            ]
            let list = try LamProcess.run(server.arguments(options))
            let results = try JSONDecoder().decode([Result].self, from: Data(list.output.utf8))
            #expect(results.map(\.bytes) == [512, 512, 512, 512, 8192, 8192, 8192, 8192])
            let table = try LamProcess.run(server.arguments(options).filter { $0 != "--json" })
            #expect(table.output.split(separator: "\n").count == 6, "\(table.output)")
            #expect(table.output.contains("once"))
            #expect(try server.stop().status == 0)
        }

        @Test func `a second client is refused while one measures, and a server that dies is an error`() throws {
            let server = try PerfServer()
            let first = try LamProcess(server.arguments(["send", "--latency", "--count", "100000000"]))
            try first.waitUntilPinned(1...)
            usleep(500_000)
            let second = try LamProcess.run(server.arguments(["write"]))
            #expect(second.status == 1)
            #expect(second.errors.contains("measures already with another client"))
            server.process.send(SIGKILL)
            let outcome = try first.wait()
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("the measurement broke off"))
        }
    }
}

/// `lam perf serve` on the device.
private final class PerfServer {
    let process: LamProcess
    private let address: String

    init() throws {
        process = try LamProcess(["perf", "serve", "--port", "0"] + LamProcess.device)
        guard let line = process.line(), let match = line.wholeMatch(of: /waiting at (\S+) on \S+/) else {
            throw DeviceProcess.Failure(description: "the server did not start: \(try process.wait())")
        }
        address = String(match.1)
    }

    func arguments(_ options: [String]) -> [String] {
        ["perf", "run"] + options + ["--json", "--to", address] + LamProcess.device
    }

    func measure(_ options: [String]) throws -> OnDevice.PerfTests.Result {
        let outcome = try LamProcess.run(arguments(options))
        guard outcome.status == 0 else { throw DeviceProcess.Failure(description: "\(options): \(outcome)") }
        return try JSONDecoder().decode(OnDevice.PerfTests.Result.self, from: Data(outcome.output.utf8))
    }

    func stop() throws -> LamProcess.Outcome {
        process.send(SIGINT)
        return try process.wait()
    }
}
