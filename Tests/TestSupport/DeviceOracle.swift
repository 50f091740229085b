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
        /// The *thread* that created the region's protection domain.
        fileprivate let pid: Int?
    }

    /// Regions of the whole machine.
    package let regionCount: Int
    /// VmPin of this process, in kB.
    package let pinnedKilobytes: Int
    /// VmLck of this process, in kB.
    package let lockedKilobytes: Int

    /// Asks.
    package static func now() throws -> DeviceOracle {
        try DeviceOracle(
            regionCount: regionCount(), pinnedKilobytes: pinnedKilobytes(), lockedKilobytes: kilobytes("VmLck"))
    }

    /// The regions of this process: `rdma resource show mr`.
    ///
    /// Its filter `pid` would not do, since what the kernel calls so is the identifier of a thread; when that thread
    /// has ended, its regions are only counted.
    package static func regions() throws -> [Region] {
        let text = try DeviceProcess.output(of: "rdma", ["-j", "resource", "show", "mr"])
        guard text.contains("{") else { return [] }
        return try JSONDecoder().decode([Region].self, from: Data(text.utf8)).filter { region in
            region.pid.map { unsafe access("/proc/self/task/\($0)", F_OK) == 0 } ?? false
        }
    }

    /// How many regions the kernel counts on all devices: `rdma resource show`.
    private static func regionCount() throws -> Int {
        struct Device: Decodable { let mr: Int }
        let text = try DeviceProcess.output(of: "rdma", ["-j", "resource", "show"])
        guard text.contains("{") else { return 0 }
        return try JSONDecoder().decode([Device].self, from: Data(text.utf8)).reduce(0) { $0 + $1.mr }
    }

    /// VmPin, in kB: pages times registrations.
    package static func pinnedKilobytes() throws -> Int { try kilobytes("VmPin") }

    private static func kilobytes(_ field: String) throws -> Int {
        let line = try lines(of: "/proc/self/status") { $0.hasPrefix(field + ":") }.first
        let words = line?.split(whereSeparator: \.isWhitespace) ?? []
        guard words.count == 3, words[2] == "kB", let number = Int(words[1]) else {
            throw DeviceProcess.Failure(description: "/proc/self/status has no \(field)")
        }
        return number
    }

    /// The lines of a file for which `isWanted`.
    private static func lines(of path: String, where isWanted: (String) -> Bool) throws -> [String] {
        guard let file = unsafe fopen(path, "re") else {
            throw DeviceProcess.Failure(description: "\(path): errno \(errno)")
        }
        defer { unsafe fclose(file) }
        var found: [String] = []
        var line = [CChar](repeating: 0, count: 512)
        while unsafe fgets(&line, CInt(line.count), file) != nil {
            let text = text(line)
            if isWanted(text) { found.append(text) }
        }
        return found
    }

    /// The text of a buffer that C filled.
    static func text(_ buffer: [CChar]) -> String {
        String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension DeviceOracle: CustomStringConvertible {
    /// For the message of a test that left something.
    package var description: String {
        let list = (try? Self.regions())?.map { "mr \($0.mrn) of \($0.mrlen) bytes" }.joined(separator: ", ")
        return """
            VmPin \(pinnedKilobytes) kB, VmLck \(lockedKilobytes) kB, \(regionCount) regions; \
            listed for this process now: \(list ?? "nothing")
            """
    }
}
