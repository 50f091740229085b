import FileService
import Testing

@Suite struct GrantLedgerTests {
    static let terms = TransferTerms(chunkBytes: 4096, chunkCount: 2)

    static func grant(_ offset: UInt64, _ length: UInt32, address: UInt64 = 1 << 40) -> ChunkGrant {
        ChunkGrant(chunk: Chunk(offset: offset, length: length), address: address, key: 1)
    }

    @Test func `grants in order are accepted until every byte has moved`() throws {
        var ledger = GrantLedger(byteCount: 8193, terms: Self.terms)
        for chunk in ChunkSequence(byteCount: 8193, chunkBytes: 4096) {
            #expect(!ledger.isComplete)
            try ledger.open(ChunkGrant(chunk: chunk, address: 0, key: 0))
            ledger.close(chunk)
        }
        #expect(ledger.isComplete)
    }

    @Test func `a file without bytes is complete at once and takes no grant`() {
        var ledger = GrantLedger(byteCount: 0, terms: Self.terms)
        #expect(ledger.isComplete)
        #expect(throws: GrantError.badLength(1)) { try ledger.open(Self.grant(0, 1)) }
    }

    @Test func `what a hostile client could ask for is refused`() throws {
        var ledger = GrantLedger(byteCount: 10_000, terms: Self.terms)
        #expect(throws: GrantError.outOfOrder(offset: 1, expected: 0)) { try ledger.open(Self.grant(1, 1)) }
        #expect(throws: GrantError.outOfOrder(offset: .max, expected: 0)) { try ledger.open(Self.grant(.max, .max)) }
        #expect(throws: GrantError.badLength(0)) { try ledger.open(Self.grant(0, 0)) }
        #expect(throws: GrantError.badLength(4097)) { try ledger.open(Self.grant(0, 4097)) }
        #expect(throws: GrantError.badLength(.max)) { try ledger.open(Self.grant(0, .max)) }
        #expect(throws: GrantError.badAddress) { try ledger.open(Self.grant(0, 4096, address: .max - 4095)) }
        try ledger.open(Self.grant(0, 4096))
        #expect(throws: GrantError.outOfOrder(offset: 0, expected: 4096)) { try ledger.open(Self.grant(0, 4096)) }
        try ledger.open(Self.grant(4096, 4096))
        #expect(throws: GrantError.tooMany(limit: 2)) { try ledger.open(Self.grant(8192, 1808)) }
        ledger.close(Chunk(offset: 0, length: 4096))
        #expect(throws: GrantError.badLength(1809)) { try ledger.open(Self.grant(8192, 1809)) }
        try ledger.open(Self.grant(8192, 1808))
    }

    @Test(arguments: [(nil, 1 << 20), (1 << 40, 1 << 20), (8 << 20, 512 << 10), (65536, 4096), (81920, 4096)])
    func `terms fit what may be pinned`(_ pinnable: Int?, _ chunkBytes: UInt32) throws {
        let terms = try #require(TransferTerms(pinnableBytes: pinnable))
        #expect(terms == TransferTerms(chunkBytes: chunkBytes, chunkCount: 8))
        #expect(terms.areWithinBounds)
    }

    @Test(arguments: [0, 4096, 65535])
    func `too little pinnable memory gives no terms`(_ pinnable: Int) {
        #expect(TransferTerms(pinnableBytes: pinnable) == nil)
    }

    @Test(arguments: [(0, 0, 0), (1, 1, 1), (4096, 1, 4096), (8193, 3, 4096), (1 << 50, 8, 4096)])
    func `a file needs memory for the chunks in flight`(_ byteCount: UInt64, _ count: Int, _ bytes: Int) {
        let memory = TransferTerms(chunkBytes: 4096, chunkCount: 8).memory(for: byteCount)
        #expect(memory.count == count && memory.bytes == bytes)
    }

    @Test(arguments: [0, 1, 4095, 4096, 4097, 10_485_763] as [UInt64])
    func `chunks cover the file without a gap`(_ byteCount: UInt64) {
        var end: UInt64 = 0
        for chunk in ChunkSequence(byteCount: byteCount, chunkBytes: 4096) {
            #expect(chunk.offset == end && chunk.length > 0 && chunk.length <= 4096)
            end += UInt64(chunk.length)
        }
        #expect(end == byteCount)
    }
}
