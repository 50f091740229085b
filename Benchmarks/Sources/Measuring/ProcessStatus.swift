#if canImport(Glibc)
    import Glibc
#endif

/// What the kernel says of this process in `/proc/self/status`.
public enum ProcessStatus {
    /// The memory that devices hold, in kB: `VmPin`.
    public static var pinnedKilobytes: Int {
        guard let file = fopen("/proc/self/status", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            guard text.hasPrefix("VmPin:") else { continue }
            return Int(text.filter(\.isNumber)) ?? 0
        }
        return 0
    }
}
