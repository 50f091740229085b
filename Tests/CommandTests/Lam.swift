import Foundation

/// The built command, run as people run it.
enum Lam {
    /// What came of a run.
    struct Outcome {
        let status: Int32
        let output: String
        let errors: String
    }

    /// The executable that was built together with the tests.
    static var path: String {
        let tests = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: tests ?? "").deletingLastPathComponent().appending(path: "lam").path
    }

    /// Runs `lam` and waits for it.
    static func run(arguments: [String]) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try process.run()
        // What both say fits the buffers of the pipes.
        process.waitUntilExit()
        return Outcome(status: process.terminationStatus, output: try text(output), errors: try text(errors))
    }

    /// Whether this machine has an RDMA device.
    static var hasDevice: Bool {
        let names = try? FileManager.default.contentsOfDirectory(atPath: "/sys/class/infiniband")
        return names?.isEmpty == false
    }

    private static func text(_ pipe: Pipe) throws -> String {
        String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    }
}
