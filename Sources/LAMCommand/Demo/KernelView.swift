import Foundation

/// What the kernel says about a process: a second opinion that is not this program's own bookkeeping.
enum KernelView {
    /// Pinned memory in kB (VmPin in `/proc/PID/status`); nil if the process is gone or the kernel does not say.
    static func pinnedKilobytes(of process: Int32) -> Int? {
        let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        let line = status?.split(separator: "\n").first { $0.hasPrefix("VmPin:") }
        return line?.split(separator: " ").dropLast().last.flatMap { Int($0) }
    }

    /// How many memory regions a device has (`rdma resource show`); nil if the program `rdma` cannot be run.
    ///
    /// All of them: the kernel lists a region under the number of the thread that made it, and under none when that
    /// thread has ended, so that they cannot be told apart by process.
    static func memoryRegions(on device: String) -> Int? {
        struct Resources: Decodable {
            let ifname: String
            let mr: Int?
        }
        guard let output = try? Subprocess.output(of: ["rdma", "-j", "resource", "show"]),
            let resources = try? JSONDecoder().decode([Resources].self, from: output)
        else { return nil }
        return resources.first { $0.ifname == device }?.mr
    }

    /// The same after a moment, if it is more than `expected` now: what is dropped goes in the background.
    static func memoryRegions(on device: String, settlingAt expected: Int?) -> Int? {
        for _ in 0..<20 {
            guard let count = memoryRegions(on: device), let expected, count > expected else { break }
            usleep(100_000)
        }
        return memoryRegions(on: device)
    }
}
