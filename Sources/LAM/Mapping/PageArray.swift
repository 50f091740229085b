/// The logical page addresses of a mapping, in order: the page array of an NDK LAM.
///
/// Each element is the address of one whole host page, also where the memory has huge pages (rule L7); the mapped bytes
/// begin at the first byte offset within the first one. The library gives a mapping one unbroken logical range, so the
/// elements are computed: a mapping of 1 TiB has as cheap an array as one of a single byte. A consumer that also runs
/// on other providers must not count on it (rule L9).
/// - Complexity: every access is O(1); nothing is allocated.
public struct PageArray: RandomAccessCollection, Hashable, Sendable {
    /// The logical address of the first page; a multiple of ``pageSize``.
    public let firstPage: LogicalAddress

    /// How many pages the mapping spans.
    public let count: Int

    /// Bytes per page: the page size of this machine.
    public let pageSize: Int

    /// Spans the pages of a mapping of `length` bytes whose first byte has the logical address `firstByte`.
    package init(firstByte: LogicalAddress, length: Int, pageSize: Int = PageSpan.hostPageSize) {
        let span = PageSpan(address: UInt(firstByte.rawValue), length: length, pageSize: pageSize)
        self.firstPage = firstByte.advanced(by: -span.firstByteOffset)
        self.count = span.pageCount
        self.pageSize = pageSize
    }

    /// The index of the first page: 0.
    public var startIndex: Int { 0 }

    /// The index behind the last page: ``count``.
    public var endIndex: Int { count }

    /// The logical address of a page; traps if the mapping has no such page.
    public subscript(index: Int) -> LogicalAddress {
        guard index >= 0, index < count else {
            fatalError("PageArray: index \(index) in a mapping of \(count) pages")
        }
        return firstPage.advanced(by: index * pageSize)
    }
}
