import Glibc

extension HostLimits {
    /// What the process has pinned now (VmPin), in bytes; nil if the system does not show it.
    ///
    /// Reads `/proc/self/status` (about 50 microseconds).
    public static func pinnedBytes() -> Int? {
        KernelFile("/proc/self/status").text.flatMap { (status) in bytes(of: "VmPin", in: status) }
    }

    /// RLIMIT_MEMLOCK as it is now: the soft limit, and the hard one up to which the process may raise it
    /// (`getrlimit`).
    public static func pinLimits() -> (soft: Limit, hard: Limit) {
        var limits = rlimit()
        guard unsafe getrlimit(CInt(__RLIMIT_MEMLOCK.rawValue), &limits) == 0 else { return (.unknown, .unknown) }
        return (Limit(resource: limits.rlim_cur), Limit(resource: limits.rlim_max))
    }

    /// A value of `/proc/self/status` that the kernel gives in kB.
    package static func bytes(of name: String, in status: String) -> Int? {
        let words = words(of: name, in: status)
        guard words.count == 2, words[1] == "kB", let kilobytes = Int(words[0]), kilobytes >= 0 else { return nil }
        let (bytes, overflow) = kilobytes.multipliedReportingOverflow(by: 1024)
        return overflow ? nil : bytes
    }

    /// The words behind `name:` in a list of lines; empty if there is no such line.
    static func words(of name: String, in lines: String) -> [Substring] {
        let line = lines.split(separator: "\n").first { (line) in line.hasPrefix(name + ":") }
        return line?.dropFirst(name.count + 1).split { (character) in character == " " || character == "\t" } ?? []
    }

    /// Whether bit 14, CAP_IPC_LOCK, is among the effective capabilities.
    package static func hasLockCapability(status: String) -> Bool? {
        let capabilities = words(of: "CapEff", in: status).first.flatMap { (mask) in UInt64(mask, radix: 16) }
        return capabilities.map { (mask) in mask & 1 << 14 != 0 }
    }

    /// Whether every user is mapped to itself, as in the initial user namespace.
    package static func isIdentity(userMap: String) -> Bool {
        userMap.split(whereSeparator: \.isWhitespace).elementsEqual(["0", "0", "4294967295"])
    }
}

extension HostLimits.Limit {
    fileprivate init(resource: rlim_t) {
        // RLIM_INFINITY is the largest value; what an Int cannot hold is as good as unlimited.
        self = Int(exactly: resource).map { .bytes($0) } ?? .unlimited
    }
}
