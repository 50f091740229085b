import Foundation

/// A run of `Simulation`, the executable that `Scripts/simulate` builds.
///
/// It has a process of its own because only there a seed decides everything: the executable alone is linked so that its
/// threads take turns (`Turns`), and it starts with all memory at the same places each time.
struct SimulationRun: Sendable {
    let status: Int32
    /// What it said.
    let output: String
    let errors: String

    /// Runs it.
    init(_ arguments: [String]) throws {
        self.init(try Running(arguments))
    }

    /// Runs the level of the adapter.
    init(seed: UInt64, steps: Int, canary: String? = nil) throws {
        try self.init(Self.arguments(seed, steps, canary))
    }

    /// Runs it for several seeds at a time.
    static func all(seeds: [UInt64], steps: Int) throws -> [SimulationRun] {
        try seeds.map { try Running(arguments($0, steps, nil)) }.map { SimulationRun($0) }
    }

    private init(_ running: Running) {
        // What it says fits the buffers of the pipes.
        running.process.waitUntilExit()
        status = running.process.terminationStatus
        output = Self.text(running.output)
        errors = Self.text(running.errors)
    }

    private static func arguments(_ seed: UInt64, _ steps: Int, _ canary: String?) -> [String] {
        ["--level", "adapter", "--seed", "\(seed)", "--steps", "\(steps)"] + (canary.map { ["--canary", $0] } ?? [])
    }

    private static func text(_ pipe: Pipe) -> String {
        String(decoding: (try? pipe.fileHandleForReading.readToEnd()) ?? Data(), as: UTF8.self)
    }

    /// Whether memory can be at the same places each time, which containers may forbid.
    static let isCourseFixed: Bool = {
        let run = try? SimulationRun(seed: 1, steps: 1)
        return run?.status == 0 && run?.errors.contains("cannot be fixed") == false
    }()

    // MARK: What it said

    /// What it found.
    var violation: String? {
        output.firstRange(of: "violation at ").map { String(output[$0.lowerBound...]) }
    }

    /// The arguments of the command that does the same once more.
    var replayArguments: [String]? {
        output.firstMatch(of: /replay with: Scripts\/simulate (.+)/).map { $0.1.split(separator: " ").map(String.init) }
    }

    /// All that does not depend on how fast the machine is.
    var course: String {
        output.split(separator: "\n").filter { !$0.contains(" per second") }.joined(separator: "\n")
    }

    /// What follows from every turn of every thread.
    var fingerprint: Substring? { figure("course") }

    /// How often something happened.
    func count(_ name: String) -> Int {
        figure(name).flatMap { Int($0) } ?? 0
    }

    /// How many calls of a verb were made to fail.
    func failures(of verb: String) -> Int {
        let found = figure(verb)?.firstMatch(of: /(\d+) of them made to fail/)
        return found.flatMap { Int($0.1) } ?? 0
    }

    private func figure(_ name: String) -> Substring? {
        output.split(separator: "\n").first { $0.hasPrefix("  \(name): ") }?.dropFirst(name.count + 4)
    }
}

/// The executable that was built together with the tests, at work.
private struct Running {
    let process = Process()
    let output = Pipe()
    let errors = Pipe()

    init(_ arguments: [String]) throws {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        process.executableURL = URL(filePath: tests).deletingLastPathComponent().appending(path: "Simulation")
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try process.run()
    }
}
