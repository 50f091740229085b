extension HostLimits {
    /// The pool of huge pages of the default size.
    public struct HugePages: Hashable, Sendable {
        /// How many pages the pool has.
        public let total: Int

        /// How many of them nobody uses.
        public let free: Int

        /// Bytes per huge page.
        public let pageBytes: Int

        /// Reads `/proc/meminfo`; nil if the kernel has no huge pages.
        package init?(memoryInfo: String) {
            func pages(_ name: String) -> Int? {
                HostLimits.words(of: name, in: memoryInfo).first.flatMap { (number) in Int(number) }
            }
            guard let total = pages("HugePages_Total"), let free = pages("HugePages_Free"),
                let pageBytes = HostLimits.bytes(of: "Hugepagesize", in: memoryInfo)
            else { return nil }
            self.total = total
            self.free = free
            self.pageBytes = pageBytes
        }
    }

    /// Which memory the kernel backs with huge pages by itself.
    public enum TransparentHugePages: String, Hashable, Sendable {
        /// All memory that is large enough.
        case always
        /// Memory for which `madvise(MADV_HUGEPAGE)` asks.
        case madvise
        /// None.
        case never

        /// Reads the setting, in which the kernel puts brackets around the choice: `always [madvise] never`.
        package init?(setting: String) {
            let choice = setting.split(whereSeparator: \.isWhitespace).first { (word) in word.hasPrefix("[") }
            guard let choice, choice.hasSuffix("]") else { return nil }
            self.init(rawValue: String(choice.dropFirst().dropLast()))
        }
    }
}
