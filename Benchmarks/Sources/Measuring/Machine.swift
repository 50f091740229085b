#if canImport(Glibc)
    import Glibc
#endif

/// What a figure was measured on; printed above every table.
public enum Machine {
    /// Processor, how many of them, and kernel.
    public static var description: String {
        var name = utsname()
        uname(&name)
        let kernel = withUnsafeBytes(of: &name.release) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return "\(processor), \(sysconf(Int32(_SC_NPROCESSORS_ONLN))) processors, Linux \(kernel); commit \(commit)"
    }

    /// What was measured; `Scripts/bench` says it, because a program does not know.
    private static var commit: String {
        guard let commit = getenv("LAM_COMMIT") else { return "unknown" }
        return String(cString: commit)
    }

    private static var processor: String {
        guard let file = fopen("/proc/cpuinfo", "r") else { return "unknown processor" }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 512)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            guard text.hasPrefix("model name"), let colon = text.firstIndex(of: ":") else { continue }
            return String(text[text.index(colon, offsetBy: 2)...].prefix { $0 != "\n" })
        }
        return "unknown processor"
    }
}
