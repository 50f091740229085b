/// What the two ends of a transfer say to each other. The bytes of the file are never in a message: they move by RDMA
/// between buffers that the client grants, so the server's memory is never open to anybody.
///
/// | fetch (`lam get`) | store (`lam put`) |
/// |---|---|
/// | client: `fetch` name | client: `store` name and length |
/// | server: `accepted` length, chunk size, chunks in flight | server: `accepted` the same |
/// | client: `grant` a buffer, in order of the offset, several at a time | client: `grant` a filled buffer, the same |
/// | server: writes the chunk, then `moved` | server: reads the chunk, then `moved` |
/// | server: `finished` with the checksum | client: `finished` with the checksum |
/// | client: compares, disconnects | server: compares, renames, `stored` |
///
/// Either side may say `failure` instead of any of its messages, and that ends the transfer.
package enum Message: Hashable, Sendable {
    /// Asks for a file.
    case fetch(name: String)
    /// Announces a file.
    case store(name: String, byteCount: UInt64)
    /// Begins the transfer.
    case accepted(byteCount: UInt64, TransferTerms)
    /// Opens a buffer for one chunk.
    case grant(ChunkGrant)
    /// The chunk is where it was to go; the client closes the buffer before it uses it again.
    case moved(Chunk)
    /// All chunks have moved, and this is their checksum as the sender of the bytes computed it.
    case finished(byteCount: UInt64, checksum: UInt32)
    /// The file is complete and has its name.
    case stored
    /// The transfer is over, and why.
    case failure(String)
}

/// Consecutive bytes of a file that move by one request.
package struct Chunk: Hashable, Sendable {
    /// Where they are in the file.
    package var offset: UInt64
    /// How many they are.
    package var length: UInt32

    /// Names a chunk.
    package init(offset: UInt64, length: UInt32) {
        self.offset = offset
        self.length = length
    }
}

/// A chunk, and the client's memory window for it.
package struct ChunkGrant: Hashable, Sendable {
    /// The chunk.
    package var chunk: Chunk
    /// The address of the window's first byte.
    package var address: UInt64
    /// The window's remote key.
    package var key: UInt32

    /// Opens a window for a chunk.
    package init(chunk: Chunk, address: UInt64, key: UInt32) {
        self.chunk = chunk
        self.address = address
        self.key = key
    }
}
