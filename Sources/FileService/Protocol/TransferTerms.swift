/// How much of a file is under way at a time; the server decides.
package struct TransferTerms: Hashable, Sendable {
    /// The most bytes of one chunk.
    package var chunkBytes: UInt32
    /// The most chunks that are granted and not yet moved.
    package var chunkCount: UInt16

    /// Sets terms as they are.
    package init(chunkBytes: UInt32, chunkCount: UInt16) {
        self.chunkBytes = chunkBytes
        self.chunkCount = chunkCount
    }

    /// What a peer may ask for. The upper bounds limit what a hostile server can make a client allocate.
    package var areWithinBounds: Bool {
        (Self.smallestChunk...Self.largestChunk).contains(chunkBytes) && (1...Self.mostChunks).contains(chunkCount)
    }

    package static let smallestChunk: UInt32 = 4096
    package static let largestChunk: UInt32 = 1 << 20
    package static let mostChunks: UInt16 = 8

    /// The largest terms for which `pinnableBytes` suffice, or nil if not even the smallest fit.
    ///
    /// A chunk counts twice, because the memory of the chunk before it may be unpinned a little later than the buffer
    /// is used again. An ordinary user of Debian may pin 8 MiB, which gives eight chunks of half a mebibyte.
    /// - Parameter pinnableBytes: nil if nothing limits it.
    package init?(pinnableBytes: Int?) {
        let perChunk = (pinnableBytes ?? .max) / (2 * Int(Self.mostChunks))
        let wholePages = perChunk / Int(Self.smallestChunk) * Int(Self.smallestChunk)
        guard wholePages >= Int(Self.smallestChunk) else { return nil }
        self.init(chunkBytes: min(Self.largestChunk, UInt32(clamping: wholePages)), chunkCount: Self.mostChunks)
    }

    /// How many chunks of a file can be in flight, and how much memory each of them needs at most.
    package func memory(for byteCount: UInt64) -> (count: Int, bytes: Int) {
        let chunks = ChunkSequence(byteCount: byteCount, chunkBytes: chunkBytes).prefix(Int(chunkCount))
        return (chunks.count { _ in true }, Int(min(UInt64(chunkBytes), byteCount)))
    }

    /// What suits both of two ends.
    package func limited(to other: TransferTerms) -> TransferTerms {
        TransferTerms(
            chunkBytes: min(chunkBytes, other.chunkBytes), chunkCount: min(chunkCount, other.chunkCount))
    }
}

/// The chunks of a file, in order.
package struct ChunkSequence: Sequence, IteratorProtocol {
    private let byteCount: UInt64
    private let chunkBytes: UInt32
    private var offset: UInt64 = 0

    /// Cuts a file of `byteCount` bytes; a file without bytes has no chunks.
    package init(byteCount: UInt64, chunkBytes: UInt32) {
        self.byteCount = byteCount
        self.chunkBytes = chunkBytes
    }

    /// The next chunk.
    package mutating func next() -> Chunk? {
        guard offset < byteCount else { return nil }
        let chunk = Chunk(offset: offset, length: UInt32(Swift.min(UInt64(chunkBytes), byteCount - offset)))
        offset += UInt64(chunk.length)
        return chunk
    }
}
