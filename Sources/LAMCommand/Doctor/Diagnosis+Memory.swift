import LAM

// What decides how much memory can be mapped.
extension Diagnosis {
    static func pinLimit(_ pinning: MachineFacts.Pinning) -> Finding {
        let pinned = pinning.pinnedBytes.map { "; \(Quantity.bytes($0)) pinned now (VmPin)" } ?? ""
        if pinning.isExempt {
            return .ok("memlock", "RLIMIT_MEMLOCK does not matter, because CAP_IPC_LOCK is in effect\(pinned)")
        }
        switch pinning.softLimit {
        case .unlimited: return .ok("memlock", "RLIMIT_MEMLOCK is unlimited\(pinned)")
        case .unknown:
            return .warning("memlock", "RLIMIT_MEMLOCK cannot be read; it may stop large mappings", mend: raise)
        case .bytes(0):
            return .problem("memlock", "RLIMIT_MEMLOCK is 0: nothing may be pinned", mend: raise)
        case .bytes(let limit) where limit >= enough:
            return .ok("memlock", "RLIMIT_MEMLOCK is \(Quantity.bytes(limit))\(pinned)")
        case .bytes(let limit):
            let meaning = "RLIMIT_MEMLOCK allows this process to map \(Quantity.bytes(limit)) in all\(pinned)"
            return .warning("memlock", meaning, mend: raise(pinning))
        }
    }

    /// From here on the limit is no longer in the way of a storage program.
    private static let enough = 1 << 30

    private static let raise = """
        `* - memlock unlimited` in /etc/security/limits.conf and a new login, or LimitMEMLOCK=infinity in the systemd unit
        """

    /// A process may raise its own limit up to the hard one.
    private static func raise(_ pinning: MachineFacts.Pinning) -> String {
        switch (pinning.softLimit, pinning.hardLimit) {
        case (.bytes, .unlimited): "ulimit -l unlimited"
        case (.bytes(let soft), .bytes(let hard)) where hard > soft:
            "ulimit -l \(hard / 1024), and beyond that: \(raise)"
        default: raise
        }
    }

    static func capability(_ pinning: MachineFacts.Pinning) -> Finding? {
        switch (pinning.hasLockCapability, pinning.isInInitialUserNamespace) {
        case (true, false):
            .warning(
                "capability", "CAP_IPC_LOCK is there but does not count in a user namespace; RLIMIT_MEMLOCK holds",
                mend: "raise RLIMIT_MEMLOCK of the container (`--ulimit memlock=-1`), or run outside of it")
        case (true, _): .ok("capability", "CAP_IPC_LOCK is in effect")
        case (false, _): .ok("capability", "CAP_IPC_LOCK is not in effect; RLIMIT_MEMLOCK holds")
        case (nil, _): nil
        }
    }

    static func controlGroup(_ pinning: MachineFacts.Pinning) -> Finding? {
        switch pinning.controlGroupLimit {
        case .unlimited: .ok("cgroup", "no memory limit of a control group")
        case .unknown: nil
        case .bytes(let limit) where limit >= enough:
            .ok("cgroup", "the control group's memory limit is \(Quantity.bytes(limit)); pinned memory counts")
        case .bytes(let limit):
            .warning(
                "cgroup",
                "the control group has \(Quantity.bytes(limit)) of memory; pinned memory counts and cannot be reclaimed",
                mend: "systemctl set-property UNIT MemoryMax=infinity, or a greater --memory of the container")
        }
    }

    static func hugePages(_ pages: HostLimits.HugePages?) -> Finding? {
        guard let pages else { return nil }
        let size = Quantity.bytes(pages.pageBytes)
        guard pages.total == 0 else {
            return .ok("huge pages", "\(pages.free) of \(pages.total) pages of \(size) are free")
        }
        return .ok(
            "huge pages", "none reserved; large mappings build faster with `sysctl vm.nr_hugepages=N` (\(size) each)")
    }

    static func forkVariables(_ names: [String]) -> Finding {
        guard !names.isEmpty else { return .ok("fork", "registrations leave the memory's flags alone") }
        let list = names.joined(separator: " and ")
        return .warning(
            "fork",
            "\(list) is set: rdma-core keeps mapped pages from child processes, which changes the memory's flags",
            mend: "unset \(names.joined(separator: " "))")
    }
}
