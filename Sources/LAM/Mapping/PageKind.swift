/// The pages that a buffer's memory has.
///
/// A device registers large memory of huge pages several times as quickly, because there are 512 times fewer of them.
public enum PageKind: Hashable, Sendable {
    /// Those of the host, 4 KiB on x86-64.
    case ordinary
    /// Huge ones where the kernel finds some, and ordinary ones elsewhere: the memory is aligned for them and asks for
    /// them (`MADV_HUGEPAGE`).
    case transparentHuge
    /// Huge ones of the pool that `sysctl vm.nr_hugepages` fills, or none: the memory is rounded up to whole ones
    /// (`MAP_HUGETLB`).
    case huge
}
