import Glibc

/// What stood between a registration and the memory it was to pin.
///
/// The kernel compares RLIMIT_MEMLOCK with the pinned bytes of the whole process (VmPin), whole pages per registration:
/// the same page registered twice counts twice, and memory locked with `mlock` (VmLck) counts apart.
public struct PinLimitReport: Hashable, Sendable {
    /// What the refused registration would have added: the pages it touches, in bytes.
    public let askedBytes: Int

    /// What the process had pinned when it was refused (VmPin); nil where the system does not show it.
    public let pinnedBytes: Int?

    /// The soft RLIMIT_MEMLOCK at that moment.
    public let limit: HostLimits.Limit

    /// Whether the process may pin nothing at all: with a limit of 0 the kernel answers EPERM instead of ENOMEM.
    public let isForbidden: Bool

    /// Describes a refusal.
    public init(askedBytes: Int, pinnedBytes: Int?, limit: HostLimits.Limit, isForbidden: Bool) {
        self.askedBytes = askedBytes
        self.pinnedBytes = pinnedBytes
        self.limit = limit
        self.isForbidden = isForbidden
    }
}

extension PinLimitReport: CustomStringConvertible {
    /// What was asked, what is pinned, the limit, and how to raise it.
    public var description: String {
        let refusal =
            isForbidden
            ? "pinning \(askedBytes) bytes is forbidden: RLIMIT_MEMLOCK is 0"
            : "pinning \(askedBytes) bytes goes over RLIMIT_MEMLOCK: \(pinned) of \(limit)"
        return "\(refusal); \(Self.remedy)"
    }

    private var pinned: String {
        pinnedBytes.map { "\($0) bytes are pinned" } ?? "an unknown number of bytes is pinned"
    }

    /// How the limit is raised, wherever it comes from.
    static let remedy = """
        raise it with `ulimit -l unlimited` in this shell, `* - memlock unlimited` in /etc/security/limits.conf for \
        logins, or `LimitMEMLOCK=infinity` in a systemd unit, or give the program CAP_IPC_LOCK (`setcap \
        cap_ipc_lock+ep PROGRAM`, only outside user namespaces); or release mappings first
        """
}

extension PinLimitReport {
    /// Why a registration was refused with `errno`, if it was for RLIMIT_MEMLOCK; nil if that does not explain it.
    ///
    /// ENOMEM also means that the device has no room, or the machine no memory; then this is nil. It looks at the
    /// numbers after the fact: if another thread released memory in between, they fit again, and this is nil as well.
    package static func diagnose(askedBytes: Int, errno: CInt) -> PinLimitReport? {
        diagnose(askedBytes: askedBytes, errno: errno, limits: .current())
    }

    /// The same with given limits.
    package static func diagnose(askedBytes: Int, errno: CInt, limits: HostLimits) -> PinLimitReport? {
        let isForbidden = errno == EPERM && limits.softPinLimit == .bytes(0)
        guard isForbidden || (errno == ENOMEM && limits.pinHeadroom.isExceeded(by: askedBytes)) else { return nil }
        return PinLimitReport(
            askedBytes: askedBytes, pinnedBytes: limits.pinnedBytes, limit: limits.softPinLimit,
            isForbidden: isForbidden)
    }
}
