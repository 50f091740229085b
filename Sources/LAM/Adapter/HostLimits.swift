import Glibc

/// What this machine and this process allow to pin, and what else decides whether a mapping can be built: a snapshot.
///
/// A value that the system does not show (in a container, under gVisor, in a stripped kernel) is nil or unknown;
/// reading never fails. Byte counts are bytes, also where the kernel shows kB. The snapshot itself reads about ten
/// small files (half a millisecond); where a single value is needed, the static functions read just that.
public struct HostLimits: Hashable, Sendable {
    /// The soft RLIMIT_MEMLOCK: what the process may pin, unless ``isExemptFromPinLimit``.
    public let softPinLimit: Limit

    /// The hard RLIMIT_MEMLOCK: how far the process may raise the soft one by itself (`setrlimit`).
    public let hardPinLimit: Limit

    /// Whether CAP_IPC_LOCK is in effect for the calling thread (`CapEff` in `/proc/thread-self/status`).
    public let hasLockCapability: Bool?

    /// Whether the process lives in the initial user namespace, without which CAP_IPC_LOCK does not count (trap T28).
    ///
    /// It is concluded from the identity map in `/proc/self/uid_map`. A namespace that maps every user to itself looks
    /// the same, but is rare.
    public let isInInitialUserNamespace: Bool?

    /// What the process has pinned (VmPin): whole pages, each counted once per registration.
    public let pinnedBytes: Int?

    /// What the process has locked with `mlock` (VmLck); it does not count against pinning.
    public let lockedBytes: Int?

    /// Bytes per host page.
    public let pageSize: Int

    /// The pool of huge pages of the default size.
    public let hugePages: HugePages?

    /// Which memory gets huge pages unasked.
    public let transparentHugePages: TransparentHugePages?

    /// The strictest memory limit of the control groups (version 1 or 2) that the process is in.
    public let controlGroupLimit: Limit

    /// The variables in the environment that make rdma-core change the memory flags of what is registered.
    ///
    /// With one of them set, a build marks pages MADV_DONTFORK, and "the MDL is unchanged" (rule L15) does not hold.
    public let forkVariables: [String]

    /// Reads the limits as they are now.
    public static func current() -> HostLimits {
        HostLimits(root: "", pinLimits: pinLimits())
    }

    /// Takes the limits from the kernel files below another root directory; the environment is the process's own.
    package init(root: String, pinLimits: (soft: Limit, hard: Limit)) {
        let status = KernelFile(root + "/proc/self/status").text ?? ""
        // Capabilities are a thread's, and those of the main thread may be others.
        let threadStatus = KernelFile(root + "/proc/thread-self/status").text ?? status
        (softPinLimit, hardPinLimit) = pinLimits
        hasLockCapability = Self.hasLockCapability(status: threadStatus)
        isInInitialUserNamespace = KernelFile(root + "/proc/self/uid_map").text.map(Self.isIdentity(userMap:))
        pinnedBytes = Self.bytes(of: "VmPin", in: status)
        lockedBytes = Self.bytes(of: "VmLck", in: status)
        pageSize = PageSpan.hostPageSize
        hugePages = KernelFile(root + "/proc/meminfo").text.flatMap(HugePages.init(memoryInfo:))
        transparentHugePages = KernelFile(root + "/sys/kernel/mm/transparent_hugepage/enabled").text
            .flatMap(TransparentHugePages.init(setting:))
        controlGroupLimit = Self.controlGroupLimit(root: root)
        forkVariables = Self.forkVariableNames.filter { unsafe getenv($0) != nil }
    }

    /// rdma-core looks whether they are there, not at their value.
    private static let forkVariableNames = ["RDMAV_FORK_SAFE", "IBV_FORK_SAFE"]
}

extension HostLimits {
    /// Whether the process may pin more than RLIMIT_MEMLOCK says: CAP_IPC_LOCK in the initial user namespace.
    public var isExemptFromPinLimit: Bool {
        hasLockCapability == true && isInInitialUserNamespace == true
    }

    /// How many bytes of whole pages can be pinned beside what is pinned already, as far as RLIMIT_MEMLOCK decides.
    ///
    /// Memory that is not there, the control group's limit and the device's own limits can say no before.
    public var pinHeadroom: Limit {
        guard !isExemptFromPinLimit else { return .unlimited }
        guard case .bytes(let limit) = softPinLimit else { return softPinLimit }
        guard let pinnedBytes else { return .unknown }
        // The kernel compares whole pages.
        return .bytes(max(0, limit - limit % pageSize - pinnedBytes))
    }
}
