import Glibc

/// Which pages a byte range touches: the one place where page arithmetic is done.
///
/// Pages are host pages, also where the memory has huge ones (rule L7, trap T34).
package struct PageSpan: Hashable, Sendable {
    /// Bytes before the range in its first page: address modulo page size (rule L7).
    package let firstByteOffset: Int

    /// How many pages hold at least one byte of the range (rule L8, trap T33).
    package let pageCount: Int

    /// Bytes per page, a power of two.
    package let pageSize: Int

    /// Finds the pages of `length` bytes from `address` on.
    ///
    /// No input overflows: an offset, an `Int` and a page together always fit a `UInt`.
    package init(address: UInt, length: Int, pageSize: Int = PageSpan.hostPageSize) {
        guard length >= 0 else { fatalError("PageSpan: negative length \(length)") }
        guard pageSize > 0, pageSize & (pageSize - 1) == 0 else {
            fatalError("PageSpan: page size \(pageSize) is no power of two")
        }
        let offset = address & UInt(pageSize - 1)
        self.firstByteOffset = Int(offset)
        self.pageCount = Int((offset + UInt(length) + UInt(pageSize - 1)) / UInt(pageSize))
        self.pageSize = pageSize
    }

    /// What registering the range adds to VmPin: whole pages, however few bytes of them are used.
    ///
    /// Saturates at `Int.max`, which is longer than anything that can be pinned.
    package var pinnedBytes: Int {
        let (bytes, overflow) = pageCount.multipliedReportingOverflow(by: pageSize)
        return overflow ? .max : bytes
    }

    /// Bytes per page of this machine: 4 KiB on most, 16 or 64 KiB on some arm64 kernels.
    package static let hostPageSize = sysconf(CInt(_SC_PAGESIZE))
}
