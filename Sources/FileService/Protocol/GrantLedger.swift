/// What a server lets a client ask for: each byte of the file once, in order, and only so much at a time.
///
/// Everything that a client says in a grant is checked here, before a buffer, a file or the device sees it. The
/// address and the key are the client's own risk: the device checks them against the client's windows.
package struct GrantLedger: Sendable {
    /// How many bytes the file has.
    package let byteCount: UInt64
    private let terms: TransferTerms
    /// Where the next grant must begin.
    private var granted: UInt64 = 0
    /// Up to where the bytes have moved.
    package private(set) var movedBytes: UInt64 = 0
    private var chunksInFlight: UInt16 = 0

    /// Begins with nothing granted.
    package init(byteCount: UInt64, terms: TransferTerms) {
        self.byteCount = byteCount
        self.terms = terms
    }

    /// Whether every byte has moved.
    package var isComplete: Bool { movedBytes == byteCount }

    /// Accepts a grant.
    package mutating func open(_ grant: ChunkGrant) throws(GrantError) {
        let chunk = grant.chunk
        guard chunk.offset == granted else { throw .outOfOrder(offset: chunk.offset, expected: granted) }
        guard chunk.length > 0, chunk.length <= terms.chunkBytes, UInt64(chunk.length) <= byteCount - granted else {
            throw .badLength(chunk.length)
        }
        guard chunksInFlight < terms.chunkCount else { throw .tooMany(limit: terms.chunkCount) }
        guard !grant.address.addingReportingOverflow(UInt64(chunk.length)).overflow else { throw .badAddress }
        granted += UInt64(chunk.length)
        chunksInFlight += 1
    }

    /// Notes that the oldest granted chunk has moved.
    package mutating func close(_ chunk: Chunk) {
        guard chunksInFlight > 0, chunk.offset == movedBytes else {
            fatalError("GrantLedger: the chunk at \(chunk.offset) is not the oldest one, at \(movedBytes)")
        }
        movedBytes += UInt64(chunk.length)
        chunksInFlight -= 1
    }
}

/// Why a grant is refused.
package enum GrantError: Error, Hashable, Sendable {
    /// Chunks are granted from the beginning to the end.
    case outOfOrder(offset: UInt64, expected: UInt64)
    /// The chunk is empty, longer than the terms allow, or ends behind the file.
    case badLength(UInt32)
    /// More chunks are in flight than the terms allow.
    case tooMany(limit: UInt16)
    /// The window would end behind the address space.
    case badAddress
}

extension GrantError: CustomStringConvertible {
    /// What is wrong with the grant.
    package var description: String {
        switch self {
        case .outOfOrder(let offset, let expected): "a grant for offset \(offset), where \(expected) is due"
        case .badLength(let length): "a grant of \(length) bytes, which the terms or the file do not allow"
        case .tooMany(let limit): "more than \(limit) grants at a time"
        case .badAddress: "a grant beyond the address space"
        }
    }
}
