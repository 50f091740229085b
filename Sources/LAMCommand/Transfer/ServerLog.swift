import FileService
import Foundation
import LAM

/// What a server reports while it runs: sentences for people, or one JSON object a line for programs.
struct ServerLog: Sendable {
    let isJSON: Bool

    /// One event; a field is there if it means something for the event.
    struct Entry: Codable {
        /// What happened: `listening`, `moved`, `failed` or `stopped`.
        var event: String
        var device: String?
        var address: String?
        var client: String?
        var direction: String?
        var name: String?
        var bytes: UInt64?
        var seconds: Double?
        var reason: String?
        var mappingsBuilt: Int?
        var mappingsReleased: Int?
        var releasesDeferred: Int?
        var longestReleaseMicroseconds: Double?
        var pinnedBytes: Int?
    }

    /// Clients can connect from now on.
    func listening(on address: SocketAddress, device: String, directory: String) {
        if isJSON { return write(Entry(event: "listening", device: device, address: "\(address)")) }
        Terminal.show("serving \(directory) at \(address) on \(device); end it with Ctrl-C")
    }

    /// A client has what it wanted.
    func moved(client: String, _ record: ServerSession.Record, elapsed: Duration) {
        if isJSON {
            return write(
                Entry(
                    event: "moved", client: client, direction: record.direction.rawValue, name: record.name,
                    bytes: record.byteCount, seconds: elapsed / .seconds(1)))
        }
        let rate = Quantity.rate(record.byteCount, in: elapsed)
        let name = printable(record.name)
        Terminal.show("\(client) \(record.direction) \(name): \(Quantity.bytes(record.byteCount)), \(rate)")
    }

    /// A client has not, and why.
    func failed(client: String, _ record: ServerSession.Record?, reason: String) {
        if isJSON {
            return write(
                Entry(
                    event: "failed", client: client, direction: record?.direction.rawValue, name: record?.name,
                    reason: reason))
        }
        let what = record.map { " \($0.direction) \(printable($0.name))" } ?? ""
        Terminal.report("lam: \(client)\(what): \(reason)")
    }

    /// Everything is released.
    func stopped(_ statistics: AdapterStatistics) {
        if isJSON {
            return write(
                Entry(
                    event: "stopped", mappingsBuilt: statistics.builds, mappingsReleased: statistics.releases,
                    releasesDeferred: statistics.deferredReleases,
                    longestReleaseMicroseconds: statistics.longestRelease / .microseconds(1),
                    pinnedBytes: statistics.pinnedBytes))
        }
        Terminal.show("stopped; \(statistics.builds) mappings built, \(statistics.releases) released")
    }

    private func write(_ entry: Entry) {
        // Strings and numbers always have a form in JSON, except those numbers that are none.
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(entry) else { return }
        Terminal.show(String(decoding: data, as: UTF8.self))
    }
}
