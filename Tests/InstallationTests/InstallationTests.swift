import Foundation
import TestSupport
import Testing

@Suite("An installed tree", .serialized, .timeLimit(.minutes(15)))
struct InstallationTests {
    // MARK: The library

    @Test func `exports what its headers declare and its version script lists, and nothing else`() throws {
        let tree = try Installation.shared
        let listed = try String(
            contentsOf: Installation.repository.appending(path: "Packaging/libndk.map"), encoding: .utf8)
        let promised = Set(listed.matches(of: /^    (Ndk\w+);$/.anchorsMatchLineEndings()).map { String($0.1) })
        let declared = Set(
            try tree.text("include/ndk/ndk.h")
                .matches(of: /^(?:NTSTATUS|ULONG|int|const char) \*?(Ndk\w+)\(/.anchorsMatchLineEndings())
                .map { String($0.1) })
        let symbols = try CommandRun(["nm", "--dynamic", "--defined-only", tree.file("lib/libndk.so").path])
        let exported = Set(symbols.output.matches(of: /\sT (\w+)/).map { String($0.1) })
        #expect(!promised.isEmpty)
        #expect(declared == promised)
        #expect(exported == promised)
    }

    @Test func `needs nothing of Swift, and says by its name which programs it fits`() throws {
        let dynamic = try CommandRun(["readelf", "--dynamic", Installation.shared.file("lib/libndk.so").path])
        #expect(dynamic.output.contains("Library soname: [libndk.so.1]"))
        let needed = dynamic.output.matches(of: /Shared library: \[(.+)\]/).map { String($0.1) }
        #expect(needed.contains { $0.hasPrefix("libibverbs.so") })
        #expect(needed.allSatisfy { !$0.lowercased().contains("swift") && !$0.contains("dispatch") }, "\(needed)")
    }

    // MARK: The headers

    @Test(
        arguments: ["c99", "c11", "c17", "c++17"],
        ["ndk.h", "ndkpi.h", "ndkmdl.h", "ndktypes.h"])
    func `has headers that each compile alone, without a warning`(_ standard: String, _ header: String) throws {
        let tree = try Installation.shared
        let isCxx = standard.hasPrefix("c++")
        let source = tree.file("alone.\(isCxx ? "cc" : "c")")
        try "#include <\(header)>\nint nothing;\n".write(to: source, atomically: true, encoding: .utf8)
        let run = try CommandRun([
            isCxx ? "g++" : "gcc", "-std=\(standard)", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
            "-I\(tree.file("include/ndk").path)", source.path,
        ])
        #expect(run.status == 0, "\(run.errors)")
    }

    // MARK: Programs outside of the repository

    /// Asks the example what it is for, and has it look for a server that is not there.
    private func expectToWork(_ program: URL, of tree: Installation) throws {
        let help = try CommandRun([program.path, "--help"], environment: tree.environment)
        #expect(help.status == 0, "\(help.errors)")
        #expect(help.output.hasPrefix("usage: block-store serve"))
        let run = try CommandRun([program.path, "run", "127.0.0.1:9"], environment: tree.environment)
        #expect(run.status == 1)
        #expect(run.errors.hasPrefix("block-store: NdkOpenAdapter: STATUS_"), "\(run.errors)")
    }

    @Test func `builds the program of the README with the command beside it`() throws {
        let tree = try Installation.shared
        let readme = try String(contentsOf: Installation.repository.appending(path: "README.md"), encoding: .utf8)
        let program = try #require(readme.firstMatch(of: /```c\n((?s).+?)```/)).1
        try String(program).write(to: tree.file("first.c"), atomically: true, encoding: .utf8)
        let build = try CommandRun(
            ["sh", "-c", "cc -Wall -Wextra -Werror first.c $(pkg-config --cflags --libs ndk) -o first"],
            in: tree.prefix,
            environment: tree.environment)
        #expect(build.status == 0, "\(build.errors)")
        let run = try CommandRun([tree.file("first").path], environment: tree.environment)
        #expect(run.status == 0 || run.errors.contains("STATUS_"), "\(run.errors)")
    }

    @Test func `builds the example with pkg-config`() throws {
        let tree = try Installation.shared
        let folder = try tree.copyOfExample("make")
        let build = try CommandRun(["make"], in: folder, environment: tree.environment)
        #expect(build.status == 0, "\(build.errors)")
        try expectToWork(folder.appending(path: "block-store"), of: tree)
    }

    @Test func `builds the example with CMake`() throws {
        let tree = try Installation.shared
        let folder = try tree.copyOfExample("cmake")
        let configuration = try CommandRun(["cmake", "-B", "build"], in: folder, environment: tree.environment)
        #expect(configuration.status == 0, "\(configuration.errors)")
        let build = try CommandRun(["cmake", "--build", "build"], in: folder, environment: tree.environment)
        #expect(build.status == 0, "\(build.errors)")
        try expectToWork(folder.appending(path: "build/block-store"), of: tree)
    }

    @Test(arguments: [("lam.1", "lam doctor"), ("ndk.3", "NdkOpenAdapter")])
    func `has manual pages that format without a complaint`(_ page: String, _ content: String) throws {
        let file = Installation.repository.appending(path: "Packaging/man/\(page)")
        let run = try CommandRun(["man", "--warnings", "--local-file", file.path])
        #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
        #expect(run.output.contains(content))
    }

    // MARK: The script

    @Test func `refuses a prefix that cannot be written, before anything is built`() throws {
        let script = Installation.repository.appending(path: "Scripts/install").path
        let run = try CommandRun([script, "--prefix", "/proc/nowhere"])
        #expect(run.status == 1)
        #expect(run.errors.contains("install: /proc/nowhere cannot be written"), "\(run.errors)")
        #expect(try CommandRun([script, "--prefix"]).status == 2)
        #expect(try CommandRun([script, "--help"]).output.hasPrefix("usage: Scripts/install"))
    }

    @Test func `is removed again, and nothing else with it`() throws {
        let tree = try Installation.shared
        let copy = tree.prefix.deletingLastPathComponent().appending(path: "lam-removal-\(getpid())")
        try FileManager.default.copyItem(at: tree.prefix, to: copy)
        defer { try? FileManager.default.removeItem(at: copy) }
        let other = copy.appending(path: "lib/other")
        try "".write(to: other, atomically: true, encoding: .utf8)
        let script = Installation.repository.appending(path: "Scripts/install").path
        let run = try CommandRun([script, "--prefix", copy.path, "--remove"])
        #expect(run.status == 0, "\(run.errors)")
        let left = FileManager.default.subpaths(atPath: copy.path)?.filter {
            $0.contains("ndk") && !$0.contains("example")
        }
        #expect(left == [])
        #expect(FileManager.default.fileExists(atPath: other.path))
    }
}
