package import Foundation

/// A program that was run to its end, and what came of it.
package struct CommandRun: Sendable {
    package let status: Int32
    package let output: String
    package let errors: String

    /// Runs a program and waits for it.
    ///
    /// - Parameters:
    ///   - command: the program, by its path or as the shell finds it, and its arguments. What it says on one of its two
    ///     streams must fit the buffer of a pipe.
    ///   - directory: where it runs; here unless told otherwise.
    ///   - environment: variables beside those of this process.
    /// - Throws: what Foundation throws when no process can be made.
    package init(_ command: [String], in directory: URL? = nil, environment: [String: String] = [:]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let directory { process.currentDirectoryURL = directory }
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try Self.withoutBlockedSignals { try process.run() }
        process.waitUntilExit()
        status = process.terminationStatus
        self.output = Self.text(output)
        self.errors = Self.text(errors)
    }

    /// The path of an executable that was built together with the tests.
    package static func path(of program: String) -> String {
        let tests = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: tests ?? "").deletingLastPathComponent().appending(path: program).path
    }

    /// A new process takes over which signals are blocked, and threads of Dispatch block all but a few: programs that
    /// learn by a signal of their children's ends would wait for good.
    private static func withoutBlockedSignals(_ body: () throws -> Void) rethrows {
        var (none, before) = (sigset_t(), sigset_t())
        unsafe sigemptyset(&none)
        unsafe pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        try body()
    }

    private static func text(_ pipe: Pipe) -> String {
        String(decoding: (try? pipe.fileHandleForReading.readToEnd()) ?? Data(), as: UTF8.self)
    }
}
