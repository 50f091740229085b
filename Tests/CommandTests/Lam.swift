import Foundation
import TestSupport

/// The built command, run as people run it.
enum Lam {
    /// Runs `lam` and waits for it.
    static func run(arguments: [String]) throws -> CommandRun {
        try CommandRun([CommandRun.path(of: "lam")] + arguments)
    }

    /// Whether this machine has an RDMA device.
    static var hasDevice: Bool {
        let names = try? FileManager.default.contentsOfDirectory(atPath: "/sys/class/infiniband")
        return names?.isEmpty == false
    }
}
