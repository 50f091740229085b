import Verbs

/// The key that nothing else on the adapter's domain can have: that of a page registered for it.
///
/// One page, local reads only, never written, there as long as the process.
final class PrivilegedToken: Sendable {
    /// The token.
    let key: UInt32
    private let region: Monitor<Verbs.MemoryRegion?>

    init(in domain: ProtectionDomain) throws(VerbError) {
        // The page is never freed.
        let registered = try unsafe Verbs.MemoryRegion(
            registering: UnsafeMutableRawBufferPointer(
                start: UnsafeMutableRawPointer(bitPattern: Self.page), count: PageSpan.hostPageSize),
            at: UInt64(Self.page), rights: [], in: domain)
        key = registered.localKey
        region = Monitor(consume registered)
    }

    private static let page = UInt(
        bitPattern: UnsafeMutableRawBufferPointer.allocate(
            byteCount: PageSpan.hostPageSize, alignment: PageSpan.hostPageSize
        ).baseAddress)

    /// Unpins the page, unless that has happened.
    ///
    /// - Returns: the device's refusal; it must be asked again, until there is none.
    func release() -> VerbError? {
        region.withLock { region in
            guard let registered = region.take(), case .refused(let kept, let error) = registered.deregister() else {
                return nil
            }
            region = consume kept
            return error
        }
    }
}
