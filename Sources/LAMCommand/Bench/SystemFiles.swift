import Foundation

/// Small files in which Linux tells of itself.
enum SystemFiles {
    /// What a file says, without the end of its last line; nil where there is none.
    static func text(_ path: String) -> String? {
        // Files of /proc have no size, and FileManager takes what the first read gives for all of it.
        guard let file = FileHandle(forReadingAtPath: path), let data = try? file.readToEnd() else { return nil }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The name that a symbolic link ends with.
    static func linkName(_ path: String) -> String? {
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path)
        return target?.split(separator: "/").last.map(String.init)
    }

    /// What a line of the form `name : value` says.
    static func value(_ name: String, in path: String) -> String? {
        let lines = text(path)?.split(separator: "\n") ?? []
        guard let line = lines.first(where: { $0.hasPrefix(name) }) else { return nil }
        return line.split(separator: ":", maxSplits: 1).last?.trimmingCharacters(in: .whitespaces)
    }

    /// The same where it is a number of kB.
    static func kibibytes(_ name: String, in path: String) -> Int? {
        value(name, in: path)?.split(separator: " ").first.flatMap { Int($0) }
    }
}
