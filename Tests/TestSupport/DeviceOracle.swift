import Foundation
import Glibc

/// What the system says about this process's memory: a second opinion, in which nothing of the library is used.
package struct DeviceOracle: Hashable, Sendable {
    /// A memory region that the kernel's RDMA core lists for this process.
    package struct Region: Hashable, Sendable, Decodable {
        /// Its number, which the kernel does not use again soon.
        package let mrn: Int
        /// How many bytes it has.
        package let mrlen: Int
        /// Its local key, in hexadecimal; shown to root only.
        package let lkey: String?
        /// Its remote key, in hexadecimal; shown to root only.
        package let rkey: String?
    }

    package let regions: [Region]
    /// VmPin of this process, in kB.
    package let pinnedKilobytes: Int
    /// VmLck of this process, in kB.
    package let lockedKilobytes: Int

    /// Asks.
    package static func now() throws -> DeviceOracle {
        try DeviceOracle(
            regions: regions(), pinnedKilobytes: pinnedKilobytes(), lockedKilobytes: kilobytes("VmLck"))
    }

    /// The regions of this process: `rdma -j resource show mr pid SELF`.
    package static func regions() throws -> [Region] {
        let text = try DeviceProcess.output(of: "rdma", ["-j", "resource", "show", "mr", "pid", "\(getpid())"])
        guard text.contains("{") else { return [] }
        return try JSONDecoder().decode([Region].self, from: Data(text.utf8))
    }

    /// VmPin, in kB: pages times registrations.
    package static func pinnedKilobytes() throws -> Int { try kilobytes("VmPin") }

    private static func kilobytes(_ field: String) throws -> Int {
        let line = try text(of: "/proc/self/status").split(separator: "\n").first { $0.hasPrefix(field + ":") }
        let words = line?.split(whereSeparator: \.isWhitespace) ?? []
        guard words.count == 3, words[2] == "kB", let number = Int(words[1]) else {
            throw DeviceProcess.Failure(description: "/proc/self/status has no \(field)")
        }
        return number
    }

    static func text(of path: String) throws -> String {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw DeviceProcess.Failure(description: "\(path): errno \(errno)") }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while case let count = unsafe read(file, &chunk, chunk.count), count > 0 {
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension DeviceOracle: CustomStringConvertible {
    /// For the message of a test that left something.
    package var description: String {
        let list = regions.map { "mr \($0.mrn) of \($0.mrlen) bytes" }.joined(separator: ", ")
        return "VmPin \(pinnedKilobytes) kB, VmLck \(lockedKilobytes) kB, regions: [\(list)]"
    }
}
