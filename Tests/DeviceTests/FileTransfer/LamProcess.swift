import Foundation
import TestSupport

/// The built command as a process of its own, seen from outside.
final class LamProcess {
    private let process = Process()
    private let output = Pipe()
    private let errors = Pipe()
    private let input = Pipe()

    /// What came of it.
    struct Outcome {
        let status: Int32
        /// The signal that ended it, or 0.
        let signal: Int32
        let output: String
        let errors: String
    }

    /// The device of the tests, as an option.
    static var device: [String] {
        ProcessInfo.processInfo.environment["LAM_DEVICE"].map { ["--device", $0] } ?? []
    }

    /// Starts `lam`, another of this package's programs, or one that runs it.
    init(_ arguments: [String], under launcher: [String] = [], program: String = "lam") throws {
        let command = launcher + [CommandRun.path(of: program)] + arguments
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = input
        try process.run()
        try output.fileHandleForWriting.close()
        try errors.fileHandleForWriting.close()
    }

    deinit {
        if process.isRunning { send(SIGKILL) }
    }

    /// Runs `lam` to its end.
    static func run(_ arguments: [String], under launcher: [String] = []) throws -> Outcome {
        try LamProcess(arguments, under: launcher).wait()
    }

    /// Waits for its end. What it says fits the buffers of the pipes.
    func wait() throws -> Outcome {
        process.waitUntilExit()
        let wasSignalled = process.terminationReason == .uncaughtSignal
        return Outcome(
            status: wasSignalled ? -1 : process.terminationStatus,
            signal: wasSignalled ? process.terminationStatus : 0, output: try text(output), errors: try text(errors))
    }

    /// Sends it a signal.
    func send(_ signal: Int32) {
        kill(process.processIdentifier, signal)
    }

    /// The next line of its standard output; nil at the end.
    func line() -> String? {
        var bytes = Data()
        while let byte = try? output.fileHandleForReading.read(upToCount: 1), !byte.isEmpty {
            if byte[byte.startIndex] == UInt8(ascii: "\n") { return String(decoding: bytes, as: UTF8.self) }
            bytes += byte
        }
        return nil
    }

    /// What it has pinned, in kB (VmPin).
    var pinnedKilobytes: Int {
        let status = try? String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
        let line = status?.split(separator: "\n").first { $0.hasPrefix("VmPin:") }
        return line?.split(separator: " ").dropLast().last.flatMap { Int($0) } ?? 0
    }

    /// Waits until what it has pinned is in a range, which shows how far it has come.
    func waitUntilPinned(_ kilobytes: some RangeExpression<Int>) throws {
        for _ in 0..<1500 where process.isRunning {
            if kilobytes.contains(pinnedKilobytes) { return }
            usleep(20_000)
        }
        throw DeviceProcess.Failure(description: "VmPin stays at \(pinnedKilobytes) kB: \(try wait())")
    }

    private func text(_ pipe: Pipe) throws -> String {
        String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    }
}
