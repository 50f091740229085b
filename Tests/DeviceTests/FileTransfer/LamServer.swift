import Foundation
import TestSupport

/// `lam serve` on the device, with a directory of its own.
final class LamServer {
    let process: LamProcess
    /// The address with its port, as `--from` and `--to` take it.
    let address: String
    /// The served directory, and next to it one for what clients get.
    let served: String
    let fetched: String
    private let folder: String

    /// A line of what the server reports.
    struct Event: Decodable {
        let event: String
        let address: String?
        let reason: String?
        let name: String?
        let bytes: UInt64?
        let pinnedBytes: Int?
        let mappingsBuilt: Int?
        let mappingsReleased: Int?
    }

    /// Starts it and waits until clients can connect.
    init(_ options: [String] = []) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "lam-device-\(UUID())").path
        served = folder + "/served"
        fetched = folder + "/fetched"
        for path in [served, fetched] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        process = try LamProcess(
            ["serve", "--directory", served, "--port", "0", "--json", "--until-input-ends"] + LamProcess.device
                + options)
        let event = try Self.event(process)
        guard event.event == "listening", let address = event.address else {
            throw DeviceProcess.Failure(description: "the server says \(event)")
        }
        self.address = address
    }

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// What the server reports next.
    func nextEvent() throws -> Event { try Self.event(process) }

    private static func event(_ process: LamProcess) throws -> Event {
        guard let line = process.line() else {
            throw DeviceProcess.Failure(description: "the server ended: \(try process.wait())")
        }
        return try JSONDecoder().decode(Event.self, from: Data(line.utf8))
    }

    /// Ends it, and gives its last event and how it ended.
    func stop() throws -> (event: Event, outcome: LamProcess.Outcome) {
        process.send(SIGTERM)
        var event = try nextEvent()
        while event.event != "stopped" { event = try nextEvent() }
        return (event, try process.wait())
    }

    // MARK: Clients

    /// Begins to get a file.
    func get(_ name: String, as local: String = "file", under launcher: [String] = []) throws -> LamProcess {
        try LamProcess(
            ["get", name, fetched + "/" + local, "--from", address] + LamProcess.device, under: launcher)
    }

    /// Begins to put a file.
    func put(_ path: String, as name: String) throws -> LamProcess {
        try LamProcess(["put", path, "--as", name, "--to", address] + LamProcess.device)
    }

    // MARK: Files

    /// Makes a file of random bytes in the served directory.
    func makeServed(_ name: String, count: Int) throws {
        try Self.randomBytes(count).write(to: URL(filePath: served + "/" + name))
    }

    /// Makes a file that is large and takes no room: it is read as zeros.
    func makeLarge(_ path: String) throws {
        try Data().write(to: URL(filePath: path))
        try FileHandle(forWritingTo: URL(filePath: path)).truncate(atOffset: 1 << 30)
    }

    static func randomBytes(_ count: Int) throws -> Data {
        try FileHandle(forReadingFrom: URL(filePath: "/dev/urandom")).read(upToCount: count) ?? Data()
    }

    /// Whether two files have the same bytes.
    func areEqual(_ servedName: String, _ fetchedName: String) -> Bool {
        FileManager.default.contentsEqual(atPath: served + "/" + servedName, andPath: fetched + "/" + fetchedName)
    }

    /// What is in a directory, hidden files too.
    static func names(in path: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? []
    }
}
