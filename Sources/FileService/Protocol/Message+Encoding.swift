/// The form of a message on the wire: always ``Message/byteCount`` bytes, numbers little-endian, one layout for all.
///
/// | at | bytes | field |
/// |---|---|---|
/// | 0 | 4 | magic: `LAMF` |
/// | 4 | 2 | version: 1 |
/// | 6 | 2 | kind |
/// | 8 | 8 | length of the file, or offset of a chunk |
/// | 16 | 8 | address of a window |
/// | 24 | 4 | length of a chunk |
/// | 28 | 4 | key of a window |
/// | 32 | 4 | checksum |
/// | 36 | 2 | chunks in flight |
/// | 38 | 2 | bytes of the text |
/// | 40 | 984 | text in UTF-8: a name, or a reason |
///
/// A kind ignores the fields that it does not have.
extension Message {
    /// Bytes of every message: one packet at the path MTU of an ordinary Ethernet.
    package static let byteCount = 1024
    /// The version of the protocol. Another one is not understood.
    package static let version: UInt16 = 1
    static let magic: UInt32 = 0x464D_414C
    static let maxTextBytes = 984

    private enum Kind: UInt16 {
        case fetch = 1
        case store, accepted, grant, moved, finished, stored, failure
    }

    /// The message as bytes.
    ///
    /// A text that is too long is cut; names never are, because ``FileName`` and the commands refuse longer ones.
    package var bytes: [UInt8] {
        var writer = MessageWriter()
        switch self {
        case .fetch(let name):
            writer.begin(Kind.fetch.rawValue)
            writer.put(text: name)
        case .store(let name, let byteCount):
            writer.begin(Kind.store.rawValue)
            writer.put(byteCount, at: 8)
            writer.put(text: name)
        case .accepted(let byteCount, let terms):
            writer.begin(Kind.accepted.rawValue)
            writer.put(byteCount, at: 8)
            writer.put(terms.chunkBytes, at: 24)
            writer.put(terms.chunkCount, at: 36)
        case .grant(let grant):
            writer.begin(Kind.grant.rawValue)
            writer.put(grant.chunk)
            writer.put(grant.address, at: 16)
            writer.put(grant.key, at: 28)
        case .moved(let chunk):
            writer.begin(Kind.moved.rawValue)
            writer.put(chunk)
        case .finished(let byteCount, let checksum):
            writer.begin(Kind.finished.rawValue)
            writer.put(byteCount, at: 8)
            writer.put(checksum, at: 32)
        case .stored:
            writer.begin(Kind.stored.rawValue)
        case .failure(let reason):
            writer.begin(Kind.failure.rawValue)
            writer.put(text: reason)
        }
        return writer.bytes
    }

    /// Understands what a peer sent, or says what is wrong with it. Never traps, whatever the bytes are.
    package init(_ bytes: [UInt8]) throws(MessageError) {
        let reader = try MessageReader(bytes)
        switch Kind(rawValue: reader.number(at: 6)) {
        case .fetch: self = .fetch(name: try reader.text())
        case .store: self = .store(name: try reader.text(), byteCount: reader.number(at: 8))
        case .accepted:
            let terms = TransferTerms(chunkBytes: reader.number(at: 24), chunkCount: reader.number(at: 36))
            guard terms.areWithinBounds else { throw .badField("the size or number of chunks") }
            self = .accepted(byteCount: reader.number(at: 8), terms)
        case .grant:
            self = .grant(ChunkGrant(chunk: reader.chunk, address: reader.number(at: 16), key: reader.number(at: 28)))
        case .moved: self = .moved(reader.chunk)
        case .finished: self = .finished(byteCount: reader.number(at: 8), checksum: reader.number(at: 32))
        case .stored: self = .stored
        case .failure: self = .failure(try reader.text())
        case nil: throw .unknownKind(reader.number(at: 6))
        }
    }
}

extension MessageWriter {
    fileprivate mutating func put(_ chunk: Chunk) {
        put(chunk.offset, at: 8)
        put(chunk.length, at: 24)
    }
}

extension MessageReader {
    fileprivate var chunk: Chunk { Chunk(offset: number(at: 8), length: number(at: 24)) }
}
