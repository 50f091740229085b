import FileService
import LAM

/// A file that a client fetches: read from the disk, and written to the client's memory.
struct OutgoingFile: ~Copyable, ServedFile {
    private let source: SourceFile
    private var checksum = Checksum()

    init(_ source: consuming SourceFile) {
        self.source = source
    }

    var byteCount: UInt64 { source.byteCount }

    mutating func move(
        _ grant: ChunkGrant, through memory: PageBuffer, _ mapping: borrowing LogicalAddressMapping,
        _ channel: inout Channel
    ) throws {
        let range = 0..<Int(grant.chunk.length)
        try memory.withMutableBytes(in: range) { bytes in try source.read(into: &bytes, at: grant.chunk.offset) }
        memory.withBytes(in: range) { bytes in checksum.append(bytes) }
        try channel.queuePair.write(
            mapping, range, to: RemoteMemory(address: grant.address, key: grant.key),
            context: Channel.Ticket.transfer.rawValue)
    }

    func finish(_ chunk: Chunk, in memory: PageBuffer) {}

    /// The last message, if the file is still what it was.
    func verdict() throws -> Message {
        try source.checkLength()
        return .finished(byteCount: byteCount, checksum: checksum.value)
    }
}

/// A file that a client stores: read from the client's memory, and written to the disk.
struct IncomingFile: ~Copyable, ServedFile {
    private let file: PartialFile
    private let byteCount: UInt64
    private var checksum = Checksum()

    init(_ file: consuming PartialFile, byteCount: UInt64) {
        self.file = file
        self.byteCount = byteCount
    }

    func move(
        _ grant: ChunkGrant, through memory: PageBuffer, _ mapping: borrowing LogicalAddressMapping,
        _ channel: inout Channel
    ) throws {
        try channel.queuePair.read(
            into: mapping, 0..<Int(grant.chunk.length), from: RemoteMemory(address: grant.address, key: grant.key),
            context: Channel.Ticket.transfer.rawValue)
    }

    mutating func finish(_ chunk: Chunk, in memory: PageBuffer) throws {
        try memory.withBytes(in: 0..<Int(chunk.length)) { bytes in
            checksum.append(bytes)
            try file.write(bytes, at: chunk.offset)
        }
    }

    /// Gives the file its name if it is what the client sent.
    consuming func commit(byteCount: UInt64, checksum expected: UInt32) throws {
        guard expected == checksum.value, byteCount == self.byteCount else {
            throw TransferFailure.checksum(expected: expected, found: checksum.value)
        }
        try file.commit()
    }
}
