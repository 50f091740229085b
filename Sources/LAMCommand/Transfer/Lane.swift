import FileService
import LAM

/// A client's place for one chunk at a time: memory, and the window through which the server reaches it.
final class Lane {
    let window: MemoryWindow
    private(set) var buffer: PageBuffer
    private(set) var chunk = Chunk(offset: 0, length: 0)

    init(on adapter: Adapter, chunkBytes: Int) throws {
        window = try adapter.createMemoryWindow()
        buffer = try PageBuffer(count: chunkBytes)
    }

    /// Takes the next chunk.
    ///
    /// The memory has exactly its length: rxe confines a peer to the mapping, not to the window (T37), so that a
    /// mapping must not be longer than what the peer may reach.
    func begin(_ chunk: Chunk) throws {
        self.chunk = chunk
        if buffer.count != Int(chunk.length) { buffer = try PageBuffer(count: Int(chunk.length)) }
    }

    /// Maps the memory, opens the window over it and tells the server.
    ///
    /// The mapping is released as soon as the window is bound: the library keeps the memory pinned until the window is
    /// invalidated, and nobody has to remember it.
    func grant(_ access: RemoteAccess, on adapter: Adapter, _ channel: inout Channel) throws {
        let mapping = try adapter.buildLam(over: buffer)
        let remote = try channel.queuePair.bind(
            window, over: mapping, 0..<mapping.length, access: access, context: Channel.Ticket.transfer.rawValue,
            flags: .silentSuccess)
        try channel.send(.grant(ChunkGrant(chunk: chunk, address: remote.address, key: remote.key)))
        mapping.release()
    }

    /// Ends the server's access; it is over when the invalidation has completed.
    func revoke(_ channel: inout Channel) throws {
        try channel.queuePair.invalidate(window, context: Channel.Ticket.transfer.rawValue)
    }
}
