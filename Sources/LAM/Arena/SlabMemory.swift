import Glibc

/// The memory of a slab: huge pages of the pool if there are enough, otherwise memory that asks for transparent ones.
///
/// It is zero-filled, and begins at a multiple of the size of a huge page if it is as long as one.
@safe
final class SlabMemory: Sendable {
    /// How many bytes there are; whole pages.
    let length: Int
    /// Whether they are from the pool of huge pages.
    let isFromPool: Bool
    private let base: UInt
    /// All that was mapped: more than the slab where it had to be aligned.
    private let mapped: (base: UInt, length: Int)

    /// The address of the first byte.
    var address: UInt { base }

    /// Reserves memory; nothing is touched.
    ///
    /// - Parameters:
    ///   - length: bytes, rounded up to whole pages.
    ///   - usesPool: false for memory of ordinary pages, which becomes huge ones only by the kernel's own doing.
    /// - Throws: ``MappingError/allocationFailed(bytes:errno:)``.
    init(length: Int, usesPool: Bool) throws(MappingError) {
        let hugePage = Self.hugePageBytes
        self.length = PageSpan(address: 0, length: length).pinnedBytes
        if usesPool, self.length.isMultiple(of: hugePage),
            let pooled = Self.map(self.length, flags: MAP_HUGETLB)
        {
            (isFromPool, base, mapped) = (true, pooled, (pooled, self.length))
            return
        }
        let alignment = self.length >= hugePage ? hugePage : PageSpan.hostPageSize
        let extra = alignment - PageSpan.hostPageSize
        guard let found = Self.map(self.length + extra, flags: 0) else {
            throw .allocationFailed(bytes: self.length, errno: errno)
        }
        isFromPool = false
        mapped = (found, self.length + extra)
        base = (found + UInt(extra)) & ~UInt(alignment - 1)
        // Advice: a kernel without huge pages refuses it.
        _ = unsafe madvise(UnsafeMutableRawPointer(bitPattern: base), self.length, MADV_HUGEPAGE)
    }

    deinit {
        guard unsafe munmap(UnsafeMutableRawPointer(bitPattern: mapped.base), mapped.length) != 0 else { return }
        // Cutting a merged kernel mapping in two can exceed vm.max_map_count. Then at least the pages go back.
        _ = unsafe madvise(UnsafeMutableRawPointer(bitPattern: base), length, MADV_DONTNEED)
    }

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
