import Foundation
import TestSupport
import Testing

/// The programs in C and C++ under valgrind's memcheck.
@Suite("Under memcheck", .serialized)
struct MemcheckTests {
    @Test("the programs in C and C++ touch nothing that is not theirs, and lose nothing")
    func consumers() throws {
        let run = try Self.memcheck()
        #expect(run.status == 0, "\(run.output)\n\(run.errors)")
        #expect(run.output.split(separator: "\n").count > 30)
        #expect(!run.output.split(separator: "\n").contains { !$0.hasSuffix(": passed") }, "\(run.output)")
    }

    @Test("a byte that was given back, and memory that was lost, are found")
    func canary() throws {
        let run = try Self.memcheck("canary")
        #expect(run.status == Self.foundSomething)
        #expect(run.errors.contains("Invalid read of size 1"))
        #expect(run.errors.contains("definitely lost"))
    }

    /// The exit status for an error.
    private static let foundSomething: Int32 = 99

    private static func memcheck(_ arguments: String...) throws -> CommandRun {
        // Debian's valgrind cannot read the debugging information that Swift writes.
        let program = FileManager.default.temporaryDirectory.appending(path: "Consumers-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: program) }
        let strip = try CommandRun(["strip", "--strip-debug", "-o", program, CommandRun.path(of: "Consumers")])
        try #require(strip.status == 0, "\(strip.errors)")
        let suppressions = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "swift.supp").path
        return try CommandRun(
            [
                "valgrind", "--quiet", "--error-exitcode=\(foundSomething)", "--leak-check=full",
                "--show-leak-kinds=definite,indirect", "--errors-for-leak-kinds=definite,indirect",
                "--suppressions=\(suppressions)", "--num-callers=30", program,
            ] + arguments)
    }
}
