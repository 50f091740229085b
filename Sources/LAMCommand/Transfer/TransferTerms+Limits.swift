import FileService
import LAM

extension TransferTerms {
    /// The terms that this process can afford, beside one channel.
    static func affordable() throws -> TransferTerms {
        let limits = HostLimits.current()
        guard case .bytes(let headroom) = limits.pinHeadroom else { return TransferTerms(pinnableBytes: nil)! }
        guard let terms = TransferTerms(pinnableBytes: headroom - Channel.pinnedBytes - limits.pageSize) else {
            let asked = Channel.pinnedBytes + 2 * Int(mostChunks) * Int(smallestChunk)
            throw TransferFailure.pinLimit(
                PinLimitReport(
                    askedBytes: asked, pinnedBytes: limits.pinnedBytes, limit: limits.softPinLimit,
                    isForbidden: limits.softPinLimit == .bytes(0)))
        }
        return terms
    }
}
