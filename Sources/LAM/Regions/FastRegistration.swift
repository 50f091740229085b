import Tracking

/// What a fast registration asks, before it is known what stands behind the pages.
struct FastRegistration<Pages: Collection<LogicalAddress>> {
    let pages: Pages
    let firstByteOffset: Int
    let length: Int
    let baseAddress: UInt64
    let access: RegionAccess
    var pageSize = PageSpan.hostPageSize

    /// Finds out what is wrong with it.
    ///
    /// - Parameter terms: what the region is initialized for.
    /// - Returns: the logical address of the first byte.
    /// - Throws: what is wrong.
    /// - Complexity: O(*n*) in the pages.
    func check(for terms: FastTerms?) throws(RegionError) -> UInt64 {
        guard let terms else { throw .notInitialized }
        let count = pages.count
        guard 1...terms.pageCount ~= count else { throw .pageCount(asked: count, limit: terms.pageCount) }
        guard access.remote.isEmpty || terms.allowsRemoteAccess else { throw .noRemoteAccess }
        guard 0..<pageSize ~= firstByteOffset, length > 0, length <= count * pageSize - firstByteOffset else {
            throw .beyondPages(firstByteOffset: firstByteOffset, length: length, pageCount: count)
        }
        guard baseAddress % UInt64(pageSize) == UInt64(firstByteOffset),
            !baseAddress.addingReportingOverflow(UInt64(length)).overflow
        else { throw .badBase(address: baseAddress, firstByteOffset: firstByteOffset) }
        return try checkPages() + UInt64(firstByteOffset)
    }

    /// - Returns: the first page.
    private func checkPages() throws(RegionError) -> UInt64 {
        guard let first = pages.first?.rawValue, first % UInt64(pageSize) == 0 else {
            throw .pagesNotConsecutive(index: 0)
        }
        for (index, page) in pages.enumerated() where page.rawValue != first &+ UInt64(index * pageSize) {
            throw .pagesNotConsecutive(index: index)
        }
        return first
    }
}
