import Foundation

/// What the kernel says about a process: a second opinion that is not this program's own bookkeeping.
struct KernelView: Sendable {
    /// Pinned memory in kB (VmPin in `/proc/PID/status`); nil if the process is gone or the kernel does not say.
    var pinnedKilobytes: Int?
    /// Memory regions (`rdma resource show mr`); nil if the program `rdma` cannot be run.
    var memoryRegions: Int?

    /// Asks about one process.
    static func pinnedKilobytes(of process: Int32) -> Int? {
        let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        let line = status?.split(separator: "\n").first { $0.hasPrefix("VmPin:") }
        return line?.split(separator: " ").dropLast().last.flatMap { Int($0) }
    }

    /// How many memory regions the processes have together.
    static func memoryRegions(of processes: [Int32]) -> Int? {
        struct Region: Decodable {
            let pid: Int32?
        }
        guard let output = try? Subprocess.output(of: ["rdma", "-j", "resource", "show", "mr"]),
            let regions = try? JSONDecoder().decode([Region].self, from: output)
        else { return nil }
        return regions.count { region in region.pid.map(processes.contains) ?? false }
    }
}
