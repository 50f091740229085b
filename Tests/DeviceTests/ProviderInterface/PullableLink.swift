import Foundation
import TestSupport

/// A soft-RoCE device of its own, whose link can be pulled.
///
/// The device of the other tests would not recover: where a connection manager's message finds no route, the kernel's
/// queue pair for such messages fails for good.
struct PullableLink: ~Copyable {
    private static let interface = "lampull"
    private static let device = "rxe_lampull"

    let address = "10.78.0.1"

    /// Whether the device of the tests is one that was made in the same way.
    static let isPossible: Bool = {
        guard let device = ProcessInfo.processInfo.environment["LAM_DEVICE"] else { return false }
        let parent = try? String(contentsOfFile: "/sys/class/infiniband/\(device)/parent", encoding: .utf8)
        return parent?.hasPrefix("dummy") ?? false
    }()

    init() throws {
        try Self.run("ip", "link", "add", Self.interface, "type", "dummy")
        try Self.run("ip", "address", "add", "\(address)/24", "dev", Self.interface)
        try Self.run("ip", "link", "set", Self.interface, "up")
        try Self.run("rdma", "link", "add", Self.device, "type", "rxe", "netdev", Self.interface)
    }

    deinit {
        try? Self.run("rdma", "link", "delete", Self.device)
        try? Self.run("ip", "link", "delete", Self.interface)
    }

    func pull() throws {
        try Self.run("ip", "link", "set", Self.interface, "down")
    }

    private static func run(_ command: String...) throws {
        let run = try CommandRun(command)
        guard run.status == 0 else {
            throw DeviceProcess.Failure(description: "\(command.joined(separator: " ")): \(run.errors)")
        }
    }
}
