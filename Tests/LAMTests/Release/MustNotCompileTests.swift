import Glibc
import TestSupport
import Testing

@Suite("The compiler")
struct MustNotCompileTests {
    static let refused = [
        "CopyOfAMapping", "CopyOfAQueue", "DoubleRelease", "MappingInAnArray", "PostOfAReleasedMapping", "TwoThreads",
        "UseAfterRelease", "UseOfABorrowedQueue", "UseOfADroppedRegion", "UseOfARevokedGrant",
    ]

    @Test("[52] refuses what must not compile, a second release among it, each line for its reason", arguments: refused)
    func refuses(file: String) throws {
        let difference = try Compiler().verify("\(file).swift")
        #expect(difference == "", "the compiler does not say what is marked in the file")
    }

    @Test("accepts what is meant to compile, so that a refusal has no other cause")
    func accepts() throws {
        #expect(try Compiler().verify("Accepted.swift") == "")
    }

    @Test("would be caught accepting: an error that is expected and does not come is a difference")
    func catches() throws {
        let difference = try Compiler().verify("Canary/NothingIsWrong.swift")
        #expect(difference.contains("expected error not produced"))
    }

    @Test("is asked about every file of the folder")
    func isComplete() throws {
        let names = try DeviceProcess.output(of: "ls", [Compiler.folder]).split(separator: "\n").map(String.init)
        #expect(names.sorted() == (["Accepted.swift", "Canary"] + Self.refused.map { $0 + ".swift" }).sorted())
    }
}

/// The Swift compiler, with the modules of the build that this test is part of.
private struct Compiler {
    /// `Tests/MustNotCompile`, seen from this file.
    static var folder: String { directory(of: #filePath, up: 3) + "/MustNotCompile" }

    private let buildDirectory: String

    init() throws {
        var path = [UInt8](repeating: 0, count: 4096)
        let count = unsafe readlink("/proc/self/exe", &path, path.count)
        buildDirectory = Self.directory(of: String(decoding: path.prefix(max(0, count)), as: UTF8.self), up: 1)
        let isThere = unsafe access(buildDirectory + "/Modules/LAM.swiftmodule", R_OK) == 0
        try #require(isThere, "no modules in \(buildDirectory)")
    }

    private static func directory(of path: String, up count: Int) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false).dropLast(count).joined(separator: "/")
    }

    /// - Returns: what differs between the compiler's diagnostics and those marked in the file; nothing if all agree.
    func verify(_ file: String) throws -> String {
        try DeviceProcess.output(
            of: "sh",
            [
                "-c", #"swiftc "$@" 2>&1 || echo "swiftc ended with $?""#, "sh", "-emit-sil", "-o", "/dev/null",
                "-swift-version", "6", "-I", buildDirectory + "/Modules",
                "-Xcc", "-fmodule-map-file=" + buildDirectory + "/CRDMA.build/module.modulemap",
                "-Xfrontend", "-verify", "-Xfrontend", "-verify-ignore-unrelated", Self.folder + "/" + file,
            ])
    }
}
