import Tracking

/// What the tokens of elements mean to one adapter.
struct ElementTokens {
    /// Goes with logical addresses.
    let privileged: UInt32
    /// Go with addresses within regions.
    private let regions: RegionTable

    init(of core: AdapterCore) {
        privileged = core.token.key
        regions = core.regions
    }

    /// The logical address of an element's first byte.
    @inline(__always)
    func logicalAddress(of element: ScatterGatherElement, at index: Int, isSink: Bool) throws(PostError) -> UInt64 {
        guard element.token != privileged else { return element.address.rawValue }
        return try findRequired(element, at: index, isSink: isSink)
    }

    /// The same for an inline request; nil where the token is nobody's.
    func inlineAddress(of element: ScatterGatherElement, at index: Int) throws(PostError) -> UInt64? {
        guard element.token != privileged else { return element.address.rawValue }
        return try find(element, at: index, isSink: false)
    }

    @inline(never)
    private func findRequired(
        _ element: ScatterGatherElement, at index: Int, isSink: Bool
    ) throws(PostError) -> UInt64 {
        guard let address = try find(element, at: index, isSink: isSink) else { throw .wrongToken(element: index) }
        return address
    }

    private func find(_ element: ScatterGatherElement, at index: Int, isSink: Bool) throws(PostError) -> UInt64? {
        do throws(UseError) {
            return try regions.logicalAddress(
                token: element.token, address: element.address.rawValue, length: element.length, isSink: isSink)
        } catch {
            throw PostError(error, element: index)
        }
    }
}
