/// Why the kernel could not pin a range: what `ibv_reg_mr` meant with EFAULT.
///
/// The verb does not say which address it stumbled over, and whether nothing was there or it was not writable. The list
/// of the process's memory areas does. It is read after the fact, so another thread may have changed it by then, and it
/// does not show why the kernel refuses some mapped memory (device memory, secretmem, a page behind the end of a file,
/// file pages on some kernels). In all these cases there is no diagnosis, and the verb's own error stands.
package enum MemoryFault {
    /// The first address of a range that cannot be mapped: ``MappingError/unmapped(address:)``,
    /// ``MappingError/notReadable(address:)`` or, if the mapping is to be `writable`,
    /// ``MappingError/notWritable(address:)``; nil if nothing is found or `/proc/self/maps` cannot be read.
    ///
    /// - Complexity: O(*n*) in the memory areas below the end of the range: a few ms per 10,000, most of them the
    ///   kernel's. For the path of an error only.
    package static func diagnose(_ chain: MemoryChain, writable: Bool) -> MappingError? {
        var search = MemoryFaultSearch(chain, writable: writable)
        let isRead = KernelFile("/proc/self/maps").read { (bytes) in search.feed(bytes) }
        return isRead ? search.finish() : nil
    }
}
