extension HostLimits {
    /// The strictest memory limit between the process's control group and the top of what can be seen of the hierarchy.
    ///
    /// Pinned memory is charged to the group like any other. Above the limit the kernel first reclaims, which pinned
    /// memory does not allow, and then kills.
    static func controlGroupLimit(root: String) -> Limit {
        guard let membership = KernelFile(root + "/proc/self/cgroup").text else { return .unknown }
        guard let group = ControlGroup(membership: membership) else { return .unknown }
        return group.limit(root: root)
    }
}

/// The control group that accounts for the process's memory.
private struct ControlGroup {
    private let mount: String
    private let file: String
    private let path: [Substring]
    private let isUnified: Bool

    /// Finds the group in `/proc/self/cgroup`, whose lines are `number:controllers:path`.
    ///
    /// A line with the memory controller means version 1; `0::path` is version 2, also beside version 1.
    init?(membership: String) {
        let lines = membership.split(separator: "\n").map { (line) in
            line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        }
        let legacy = lines.first { (line) in line.count == 3 && line[1].split(separator: ",").contains("memory") }
        let unified = lines.first { (line) in line.count == 3 && line[0] == "0" && line[1].isEmpty }
        guard let line = legacy ?? unified else { return nil }
        isUnified = legacy == nil
        mount = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
        file = isUnified ? "memory.max" : "memory.limit_in_bytes"
        path = line[2].split(separator: "/")
    }

    func limit(root: String) -> HostLimits.Limit {
        // The top of version 2 has no limit and no file for one.
        let isTop = isUnified && KernelFile("\(root)\(mount)/cgroup.controllers").text != nil
        // In a container the path may be the host's, or lead out of the container's root (`/../..`); then only the
        // root's file is there. So every level is tried.
        return (0...path.count).reduce(isTop ? .unlimited : .unknown) { (limit, depth) in
            let directory = ([root + mount] + path.prefix(depth).map(String.init)).joined(separator: "/")
            return limit.stricter(Self.limit(KernelFile("\(directory)/\(file)").text))
        }
    }

    /// Version 2 says `max`, version 1 a number that is almost the largest, where there is no limit.
    private static func limit(_ text: String?) -> HostLimits.Limit {
        guard let word = text?.split(whereSeparator: \.isWhitespace).first else { return .unknown }
        guard word != "max" else { return .unlimited }
        guard let bytes = UInt64(word) else { return .unknown }
        return bytes < 1 << 62 ? .bytes(Int(bytes)) : .unlimited
    }
}
