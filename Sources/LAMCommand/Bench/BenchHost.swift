import Foundation
import Glibc
package import LAM

/// What figures were measured on.
package struct BenchHost: Codable, Hashable, Sendable {
    package let device, technology, firmware: String
    /// The kernel's module that drives it.
    package let driver: String
    package let rdmaCore: String
    package let kernel, processor: String
    package let processors: Int
    /// The node of the device, that of the processor which looked, and how far they are from each other (10: the same);
    /// nil where the machine does not tell.
    package let deviceNode, processorNode, nodeDistance: Int?
    /// Whether there is an IOMMU in use, and what the kernel was told of it.
    package let iommu: String
    package let pageBytes: Int
    /// Of the pool.
    package let hugePages: String
    package let transparentHugePages: String
    /// What RLIMIT_MEMLOCK allows, and whether it counts.
    package let lockedMemory: String
    /// The mean of the last minute, when it began.
    package let load: String
    /// Of this program.
    package let commit: String

    /// Looks at this machine.
    package static func current(_ info: AdapterInfo) -> BenchHost {
        let device = "/sys/class/infiniband/\(info.name)/device"
        let deviceNode = SystemFiles.text(device + "/numa_node").flatMap { Int($0) }.flatMap { $0 < 0 ? nil : $0 }
        let processorNode = Self.processorNode
        let limits = HostLimits.current()
        return BenchHost(
            device: info.name, technology: "\(info.technology)", firmware: info.firmwareVersion,
            driver: SystemFiles.linkName(device + "/driver") ?? softwareDriver(info.name),
            rdmaCore: libraryVersion, kernel: SystemFiles.text("/proc/sys/kernel/osrelease") ?? unknown,
            processor: SystemFiles.value("model name", in: "/proc/cpuinfo") ?? unknown,
            processors: sysconf(CInt(_SC_NPROCESSORS_ONLN)),
            deviceNode: deviceNode, processorNode: processorNode,
            nodeDistance: distance(deviceNode, processorNode),
            iommu: iommu, pageBytes: limits.pageSize,
            hugePages: "\(SystemFiles.value("HugePages_Free", in: "/proc/meminfo") ?? "0") of "
                + "\(SystemFiles.value("HugePages_Total", in: "/proc/meminfo") ?? "0") free",
            transparentHugePages: SystemFiles.text("/sys/kernel/mm/transparent_hugepage/enabled") ?? "none",
            lockedMemory: "\(limits.softPinLimit)",
            load: SystemFiles.text("/proc/loadavg")?.split(separator: " ").first.map(String.init) ?? unknown,
            commit: ProcessInfo.processInfo.environment["LAM_COMMIT"] ?? unknown)
    }

    private static let unknown = "unknown"

    /// soft-RoCE and soft-iWARP belong to no bus; their names begin with those of their modules.
    private static func softwareDriver(_ name: String) -> String {
        ["rxe": "rdma_rxe", "siw": "siw"].first { name.hasPrefix($0.key) }?.value ?? unknown
    }

    /// That of the library that is loaded, by the name of its file: `libibverbs.so.1.14.44.0`.
    private static var libraryVersion: String {
        let maps = SystemFiles.text("/proc/self/maps") ?? ""
        let path = maps.split(separator: "\n").compactMap { $0.split(separator: " ").last }
            .first { $0.contains("/libibverbs.so") }
        return path?.split(separator: "/").last.map(String.init) ?? unknown
    }

    private static var processorNode: Int? {
        // The 39th field; the second one, a name in parentheses, may contain anything.
        let fields = SystemFiles.text("/proc/self/stat")?.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 36 else { return nil }
        let processor = fields[36]
        let entries = try? FileManager.default.contentsOfDirectory(atPath: "/sys/devices/system/cpu/cpu\(processor)")
        return entries?.first { $0.hasPrefix("node") }.flatMap { Int($0.dropFirst(4)) }
    }

    private static func distance(_ device: Int?, _ processor: Int?) -> Int? {
        guard let device, let processor else { return nil }
        let distances = SystemFiles.text("/sys/devices/system/node/node\(processor)/distance")?.split(separator: " ")
        return distances.flatMap { device < $0.count ? Int($0[device]) : nil }
    }

    private static var iommu: String {
        let groups = (try? FileManager.default.contentsOfDirectory(atPath: "/sys/kernel/iommu_groups"))?.count ?? 0
        let told = SystemFiles.text("/proc/cmdline")?.split(separator: " ").filter { $0.contains("iommu") } ?? []
        return ([groups == 0 ? "off" : "\(groups) groups"] + told.map(String.init)).joined(separator: " ")
    }

    /// For people.
    package var lines: [String] {
        [
            "\(device) (\(technology), driver \(driver), firmware \(firmware.isEmpty ? "none" : firmware)), \(rdmaCore)",
            "\(processor), \(processors) processors, Linux \(kernel), load \(load); \(nodes)",
            "IOMMU \(iommu); pages of \(pageBytes) bytes, huge ones: \(hugePages), transparent: \(transparentHugePages); "
                + "locked memory: \(lockedMemory); commit \(commit)",
        ]
    }

    private var nodes: String {
        guard let deviceNode, let processorNode, let nodeDistance else { return "NUMA nodes unknown" }
        return "device at NUMA node \(deviceNode), processor at \(processorNode), distance \(nodeDistance)"
    }
}
