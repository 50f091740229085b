import Foundation
import LAM

/// The second process of the demonstration: `lam serve`.
final class DemoServer {
    private let process = Process()
    private let output = Pipe()
    private let input = Pipe()
    private var unread = Data()

    /// Why the second process is not of use.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Starts this program a second time, to serve a directory.
    init(directory: String, device: String, log: LogOptions) throws {
        process.executableURL = URL(filePath: "/proc/self/exe")
        process.arguments =
            ["serve", "--directory", directory, "--device", device, "--port", "0", "--json", "--until-input-ends"]
            + log.arguments
        process.standardOutput = output
        process.standardInput = input
        try process.run()
        // The end that is not ours has to be closed, or the output would not end with the process.
        try? output.fileHandleForWriting.close()
    }

    deinit {
        if process.isRunning { process.terminate() }
    }

    var processIdentifier: Int32 { process.processIdentifier }

    /// Waits until clients can connect.
    func waitUntilListening() throws -> SocketAddress {
        let entry = try nextEntry { $0.event == "listening" }
        guard let address = entry.address.flatMap({ SocketAddress($0) }) else {
            throw Failure(description: "the server did not say where it listens")
        }
        return address
    }

    /// Ends it, and gives its last words.
    func stop() throws -> ServerLog.Entry {
        process.terminate()
        let entry = try nextEntry { $0.event == "stopped" }
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "the server ended with status \(process.terminationStatus)")
        }
        return entry
    }

    /// Reads what the server reports until the entry that is waited for.
    private func nextEntry(where isWanted: (ServerLog.Entry) -> Bool) throws -> ServerLog.Entry {
        while true {
            while let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                let line = unread[..<end]
                unread = unread[(end + 1)...]
                let entry = try JSONDecoder().decode(ServerLog.Entry.self, from: line)
                if isWanted(entry) { return entry }
                if let reason = entry.reason { throw Failure(description: "the server: \(reason)") }
            }
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw Failure(description: "the server ended; standard error says why") }
            unread += more
        }
    }
}
