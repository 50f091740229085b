import Foundation
import TestSupport

/// What `Scripts/install` made, once for all tests, under a folder that goes with the process's temporary files.
struct Installation: Sendable {
    let prefix: URL
    static let repository = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static let made = Result { try Installation() }

    /// The installed tree.
    static var shared: Installation {
        get throws { try made.get() }
    }

    private init() throws {
        prefix = FileManager.default.temporaryDirectory.appending(path: "lam-installation-\(getpid())")
        let script = Self.repository.appending(path: "Scripts/install").path
        let run = try CommandRun([script, "--prefix", prefix.path, "--library-only"])
        guard run.status == 0 else { throw Failure(description: run.errors) }
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    func file(_ path: String) -> URL { prefix.appending(path: path) }

    func text(_ path: String) throws -> String { try String(contentsOf: file(path), encoding: .utf8) }

    /// Where compilers and programs look for the library. What the tests ask of Swift's runtime for themselves is not for
    /// the one that the library has in it.
    var environment: [String: String] {
        [
            "PKG_CONFIG_PATH": file("lib/pkgconfig").path, "CMAKE_PREFIX_PATH": prefix.path,
            "LD_LIBRARY_PATH": file("lib").path, "SWIFT_BACKTRACE": "enable=no",
        ]
    }

    /// A folder of its own, outside of the repository, with the example's sources.
    func copyOfExample(_ name: String) throws -> URL {
        let folder = file("example-\(name)")
        try FileManager.default.copyItem(at: Self.repository.appending(path: "Examples/block-store"), to: folder)
        return folder
    }
}
