import Foundation

/// A directory for one test, removed with everything in it when the test is done.
final class TemporaryDirectory {
    let path: String

    init() {
        path = FileManager.default.temporaryDirectory.appending(path: "lam-files-\(UUID())").path
        makeDirectory("")
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// What is in it, hidden files too.
    var names: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? []
    }

    func makeDirectory(_ name: String) {
        must { try FileManager.default.createDirectory(atPath: path + "/" + name, withIntermediateDirectories: true) }
    }

    func link(_ name: String, to target: String) {
        must { try FileManager.default.createSymbolicLink(atPath: path + "/" + name, withDestinationPath: target) }
    }

    func write(_ bytes: [UInt8], to name: String) {
        must { try Data(bytes).write(to: URL(filePath: path + "/" + name)) }
    }

    func read(_ name: String) -> [UInt8]? {
        FileManager.default.contents(atPath: path + "/" + name).map { Array($0) }
    }

    private func must(_ body: () throws -> Void) {
        do { try body() } catch { fatalError("TemporaryDirectory: \(error)") }
    }
}
