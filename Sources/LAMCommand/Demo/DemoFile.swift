import Foundation

/// What `lam demo` moves.
struct DemoFile {
    let path: String
    /// Why it was chosen; nil if it was asked for.
    let reason: String?

    /// A file that somebody asked for.
    init(_ path: String) {
        self.path = path
        reason = nil
    }

    /// A file that this process has open anyway, or one that is made below `directory`.
    init(orIn directory: String) throws {
        if let path = Self.largestMappedFile() {
            self.path = path
            reason = "the largest file that this program consists of"
        } else {
            path = directory + "/random"
            reason = "\(Quantity.bytes(Self.leastBytes)) of random bytes"
            var generator = SystemRandomNumberGenerator()
            let words = (0..<Self.leastBytes / 8).map { _ in generator.next() }
            try unsafe words.withUnsafeBytes { bytes in try unsafe Data(bytes).write(to: URL(filePath: path)) }
        }
    }

    private static let leastBytes = 16 << 20

    /// The program or one of its libraries, if one is large enough to be worth a look.
    private static func largestMappedFile() -> String? {
        guard let maps = try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8) else { return nil }
        let paths = Set(
            maps.split(separator: "\n").compactMap { line in
                line.firstIndex(of: "/").map { start in String(line[start...]) }
            })
        let sizes = paths.compactMap { path in
            (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int).map { size in (path, size) }
        }
        return sizes.filter { $0.1 >= leastBytes }.max { $0.1 < $1.1 }?.0
    }
}
