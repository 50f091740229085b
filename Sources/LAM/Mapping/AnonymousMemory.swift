import Glibc

/// Zero-filled memory of this process, in pages of its own.
@safe
final class AnonymousMemory: Sendable {
    /// The address of the first byte; that of a huge page where there may be huge ones.
    let address: UInt
    /// How many bytes there are; whole pages.
    let length: Int
    let pages: PageKind
    /// All that was mapped: more than the memory where it had to be aligned.
    private let mapped: (base: UInt, length: Int)

    /// Reserves memory; nothing is touched.
    ///
    /// - Parameters:
    ///   - length: bytes, rounded up to whole pages.
    ///   - pages: of which kind.
    /// - Throws: ``MappingError/allocationFailed(bytes:errno:)``.
    init(length: Int, pages: PageKind) throws(MappingError) {
        let unit = pages == .huge ? Self.hugePageBytes : PageSpan.hostPageSize
        let isTooLong = length > Int.max - 2 * Self.hugePageBytes
        let rounded = (length &+ unit &- 1) & ~(unit - 1)
        let isAligned = pages == .transparentHuge && rounded >= Self.hugePageBytes
        let extra = isAligned ? Self.hugePageBytes - PageSpan.hostPageSize : 0
        guard !isTooLong, let found = Self.map(rounded + extra, flags: pages == .huge ? MAP_HUGETLB : 0) else {
            throw .allocationFailed(bytes: length, errno: isTooLong ? ENOMEM : errno)
        }
        self.length = rounded
        self.pages = pages
        mapped = (found, rounded + extra)
        address = isAligned ? (found + UInt(extra)) & ~UInt(Self.hugePageBytes - 1) : found
        // Advice: a kernel without huge pages refuses it.
        if pages == .transparentHuge { _ = unsafe madvise(pointer, rounded, MADV_HUGEPAGE) }
    }

    deinit {
        guard unsafe munmap(UnsafeMutableRawPointer(bitPattern: mapped.base), mapped.length) != 0 else { return }
        // Cutting a merged kernel mapping in two can exceed vm.max_map_count. Then at least the pages go back.
        _ = unsafe madvise(pointer, length, MADV_DONTNEED)
    }

    var pointer: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(bitPattern: address)! }

    private static func map(_ length: Int, flags: CInt) -> UInt? {
        let memory = unsafe mmap(
            nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0)
        return unsafe memory == MAP_FAILED ? nil : UInt(bitPattern: memory)
    }

    /// Bytes of a huge page of the default size; the usual ones where the kernel has none.
    static let hugePageBytes =
        KernelFile("/proc/meminfo").text
        .flatMap(HostLimits.HugePages.init(memoryInfo:))?.pageBytes ?? 2 << 20
}
