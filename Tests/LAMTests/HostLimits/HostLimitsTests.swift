import Foundation
import LAM
import Testing

/// A directory with some of the files that a kernel has, removed with the fixture.
private struct KernelFiles: ~Copyable {
    let root: String

    init(_ files: [String: String]) throws {
        root = NSTemporaryDirectory() + "lam-limits-" + UUID().uuidString
        for (path, text) in files {
            let url = URL(filePath: root + path)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: url, atomically: false, encoding: .utf8)
        }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: root)
    }

    func limits(soft: HostLimits.Limit = .unlimited, hard: HostLimits.Limit = .unlimited) -> HostLimits {
        HostLimits(root: root, pinLimits: (soft, hard))
    }
}

/// The lines around those that matter are real ones, too.
private func status(capabilities: String = "0000000000000000", pinned: String = "       0") -> String {
    """
    Name:\tlam
    Umask:\t0022
    VmPeak:\t    3512 kB
    VmLck:\t      64 kB
    VmPin:\t\(pinned) kB
    VmHWM:\t    1408 kB
    CapInh:\t0000000000000000
    CapPrm:\t000001ffffffffff
    CapEff:\t\(capabilities)
    CapBnd:\t000001ffffffffff

    """
}

private let initialUserMap = "         0          0 4294967295\n"

@Suite("The limits of the host")
struct HostLimitsTests {
    @Test("say what the process has pinned and locked, in bytes")
    func pinned() throws {
        let files = try KernelFiles(["/proc/self/status": status(pinned: "    1024")])
        let limits = files.limits(soft: .bytes(8 << 20), hard: .bytes(16 << 20))
        #expect(limits.pinnedBytes == 1 << 20)
        #expect(limits.lockedBytes == 64 << 10)
        #expect(limits.softPinLimit == .bytes(8 << 20))
        #expect(limits.hardPinLimit == .bytes(16 << 20))
    }

    @Test(
        "count CAP_IPC_LOCK only in the initial user namespace",
        arguments: [
            ("0000000000004000", initialUserMap, true), ("000001ffffffffff", initialUserMap, true),
            ("000001ffffffbfff", initialUserMap, false), ("0000000000000000", initialUserMap, false),
            ("000001ffffffffff", "         0       1000          1\n", false),
            ("000001ffffffffff", "0 0 1000\n1000 1000 4294966295\n", false),
        ])
    func capability(mask: String, userMap: String, isExempt: Bool) throws {
        let files = try KernelFiles(["/proc/self/status": status(capabilities: mask), "/proc/self/uid_map": userMap])
        #expect(files.limits().isExemptFromPinLimit == isExempt)
    }

    @Test("say how much more can be pinned, in whole pages")
    func headroom() throws {
        let limited = try KernelFiles(["/proc/self/status": status(pinned: "1024")])
        #expect(limited.limits(soft: .bytes(8 << 20)).pinHeadroom == .bytes(7 << 20))
        #expect(limited.limits(soft: .bytes(8 << 20 | 77)).pinHeadroom == .bytes(7 << 20))
        #expect(limited.limits(soft: .bytes(77)).pinHeadroom == .bytes(0))
        #expect(limited.limits(soft: .unlimited).pinHeadroom == .unlimited)
        let exempt = try KernelFiles([
            "/proc/self/status": status(capabilities: "4000"), "/proc/self/uid_map": initialUserMap,
        ])
        #expect(exempt.limits(soft: .bytes(0)).pinHeadroom == .unlimited)
    }

    @Test("are unknown where the system shows nothing")
    func missing() throws {
        let nothing = try KernelFiles([:]).limits(soft: .bytes(1 << 20))
        #expect(nothing.pinnedBytes == nil)
        #expect(nothing.lockedBytes == nil)
        #expect(nothing.hasLockCapability == nil)
        #expect(nothing.isInInitialUserNamespace == nil)
        #expect(!nothing.isExemptFromPinLimit)
        #expect(nothing.hugePages == nil)
        #expect(nothing.transparentHugePages == nil)
        #expect(nothing.controlGroupLimit == .unknown)
        #expect(nothing.pinHeadroom == .unknown)
    }

    @Test(
        "take nothing from a status that looks otherwise",
        arguments: [
            "", "VmPin:", "VmPin: kB", "VmPin: 12 MB", "VmPin: -1 kB", "VmPin: 99999999999999999999 kB", "XVmPin: 1 kB",
        ])
    func oddStatus(text: String) {
        #expect(HostLimits.bytes(of: "VmPin", in: text) == nil)
    }

    @Test("name the huge pages that there are")
    func hugePages() throws {
        let memory = """
            MemTotal:        8133852 kB
            AnonHugePages:    112640 kB
            HugePages_Total:      64
            HugePages_Free:       60
            HugePages_Rsvd:        0
            Hugepagesize:       2048 kB
            """
        let files = try KernelFiles([
            "/proc/meminfo": memory, "/sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
        ])
        let pages = try #require(files.limits().hugePages)
        #expect(pages.total == 64)
        #expect(pages.free == 60)
        #expect(pages.pageBytes == 2 << 20)
        #expect(files.limits().transparentHugePages == .madvise)
    }

    @Test("are plausible on this machine")
    func live() throws {
        let limits = HostLimits.current()
        #expect(limits.pageSize >= 4_096)
        #expect(limits.softPinLimit == HostLimits.pinLimits().soft)
        #expect(limits.softPinLimit.stricter(limits.hardPinLimit) == limits.softPinLimit)
        let pinned = try #require(HostLimits.pinnedBytes())
        #expect(pinned >= 0)
        #expect(pinned % limits.pageSize == 0)
        #expect(limits.pinnedBytes != nil)
        #expect(limits.hasLockCapability != nil)
    }

    @Test("name the fork variables that are set, whatever their value")
    func forkVariables() async {
        await #expect(processExitsWith: .success) {
            unsafe unsetenv("RDMAV_FORK_SAFE")
            unsafe setenv("IBV_FORK_SAFE", "", 1)
            let names = HostLimits.current().forkVariables
            guard names == ["IBV_FORK_SAFE"] else { fatalError("\(names)") }
        }
    }
}

@Suite("The memory limit of the control groups")
struct ControlGroupLimitTests {
    @Test("is the strictest on the way to the top, in version 2")
    func unified() throws {
        let files = try KernelFiles([
            "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/cgroup.controllers": "cpu memory\n",
            "/sys/fs/cgroup/a/memory.max": "1048576\n", "/sys/fs/cgroup/a/b/memory.max": "max\n",
        ])
        #expect(files.limits().controlGroupLimit == .bytes(1 << 20))
    }

    @Test("is none in the top group of version 2, which has no file for it")
    func unifiedTop() throws {
        let files = try KernelFiles([
            "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cgroup.controllers": "cpu memory\n",
        ])
        #expect(files.limits().controlGroupLimit == .unlimited)
    }

    @Test(
        "is that of the container's root if the process's group lies outside", arguments: ["/../../host", "/host/path"])
    func container(path: String) throws {
        let files = try KernelFiles([
            "/proc/self/cgroup": "0::\(path)\n", "/sys/fs/cgroup/cgroup.controllers": "memory\n",
            "/sys/fs/cgroup/memory.max": "4096\n",
        ])
        #expect(files.limits().controlGroupLimit == .bytes(4_096))
    }

    @Test("is that of the memory controller in version 1, also beside version 2")
    func legacy() throws {
        var content = [
            "/proc/self/cgroup": "9:name=systemd:/\n4:cpuset,memory:/a\n0::/\n",
            "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "/sys/fs/cgroup/memory/a/memory.limit_in_bytes": "65536\n", "/sys/fs/cgroup/memory.max": "1\n",
        ]
        #expect(try KernelFiles(content).limits().controlGroupLimit == .bytes(65_536))
        content["/sys/fs/cgroup/memory/a/memory.limit_in_bytes"] = "9223372036854771712\n"
        #expect(try KernelFiles(content).limits().controlGroupLimit == .unlimited)
    }

    @Test(
        "is unknown if its file is not to be seen or unreadable as a number",
        arguments: ["0::/a\n", "", "junk", "1:memory:/\n"])
    func unknown(membership: String) throws {
        let files = try KernelFiles(["/proc/self/cgroup": membership, "/sys/fs/cgroup/a/memory.max": "lots\n"])
        #expect(files.limits().controlGroupLimit == .unknown)
    }
}

@Suite("A limit")
struct LimitTests {
    @Test("is exceeded by more than it says, and never if there is none")
    func exceeded() {
        #expect(HostLimits.Limit.bytes(5).isExceeded(by: 6))
        #expect(!HostLimits.Limit.bytes(5).isExceeded(by: 5))
        #expect(!HostLimits.Limit.unlimited.isExceeded(by: .max))
        #expect(!HostLimits.Limit.unknown.isExceeded(by: .max))
    }

    @Test("gives way to a stricter one, on either side")
    func stricter() {
        let ascending: [HostLimits.Limit] = [.bytes(1), .bytes(2), .unlimited, .unknown]
        for (index, strict) in ascending.enumerated() {
            for loose in ascending[index...] {
                #expect(strict.stricter(loose) == strict)
                #expect(loose.stricter(strict) == strict)
            }
        }
    }
}

@Suite("The report on a refused registration")
struct PinLimitReportTests {
    private func limits(pinned: String, soft: HostLimits.Limit, capabilities: String = "0") throws -> HostLimits {
        let files = try KernelFiles([
            "/proc/self/status": status(capabilities: capabilities, pinned: pinned),
            "/proc/self/uid_map": initialUserMap,
        ])
        return files.limits(soft: soft)
    }

    @Test("[21] ENOMEM over the limit names what was asked, what is pinned, the limit and the remedy")
    func exceeded() throws {
        let limits = try limits(pinned: "8188", soft: .bytes(8 << 20))
        let report = try #require(PinLimitReport.diagnose(askedBytes: 8_192, errno: ENOMEM, limits: limits))
        #expect(!report.isForbidden)
        let text = MappingError.pinLimit(report).description
        for part in ["pinning 8192 bytes", "8384512 bytes are pinned", "of 8388608 bytes", "ulimit -l", "CAP_IPC_LOCK"]
        {
            #expect(text.contains(part), "\(text)")
        }
    }

    @Test("[21] the limit does not explain ENOMEM if the pages fit, or the process is exempt")
    func fits() throws {
        let room = try limits(pinned: "8188", soft: .bytes(8 << 20))
        #expect(PinLimitReport.diagnose(askedBytes: 4_096, errno: ENOMEM, limits: room) == nil)
        let exempt = try limits(pinned: "8188", soft: .bytes(8 << 20), capabilities: "4000")
        #expect(PinLimitReport.diagnose(askedBytes: 1 << 40, errno: ENOMEM, limits: exempt) == nil)
        let unlimited = try limits(pinned: "8188", soft: .unlimited)
        #expect(PinLimitReport.diagnose(askedBytes: 1 << 40, errno: ENOMEM, limits: unlimited) == nil)
    }

    @Test("[22] EPERM with a limit of 0 says that pinning is forbidden")
    func forbidden() throws {
        let limits = try limits(pinned: "0", soft: .bytes(0))
        let report = try #require(PinLimitReport.diagnose(askedBytes: 4_096, errno: EPERM, limits: limits))
        #expect(report.isForbidden)
        #expect(report.description.contains("forbidden: RLIMIT_MEMLOCK is 0"))
        #expect(report.description.contains("LimitMEMLOCK=infinity"))
    }

    @Test("other errors and other limits have nothing to do with it")
    func others() throws {
        let limits = try limits(pinned: "0", soft: .bytes(8 << 20))
        #expect(PinLimitReport.diagnose(askedBytes: 4_096, errno: EPERM, limits: limits) == nil)
        #expect(PinLimitReport.diagnose(askedBytes: 1 << 40, errno: EFAULT, limits: limits) == nil)
    }
}
