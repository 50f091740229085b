import FileService
import Testing

@Suite struct MessageTests {
    static let all: [Message] = [
        .fetch(name: "a/b.bin"),
        .fetch(name: "größe 漢字"),
        .store(name: "x", byteCount: .max),
        .accepted(byteCount: 1 << 40, TransferTerms(chunkBytes: 1 << 20, chunkCount: 8)),
        .grant(ChunkGrant(chunk: Chunk(offset: 1 << 33, length: 4097), address: .max - 5000, key: 0xDEAD_BEEF)),
        .moved(Chunk(offset: 0, length: 1)),
        .finished(byteCount: 0, checksum: 0xFFFF_FFFF),
        .stored,
        .failure("no space"),
        .failure(""),
    ]

    @Test(arguments: all)
    func `a message comes out as it went in`(_ message: Message) throws {
        #expect(message.bytes.count == Message.byteCount)
        #expect(try Message(message.bytes) == message)
    }

    @Test func `the layout is the documented one, little-endian`() {
        let chunk = Chunk(offset: 0x0102_0304_0506_0708, length: 0x2122_2324)
        let bytes = Message.grant(ChunkGrant(chunk: chunk, address: 0x1112_1314_1516_1718, key: 0x3132_3334)).bytes
        #expect(Array(bytes[0..<8]) == Array("LAMF".utf8) + [1, 0, 4, 0])
        #expect(Array(bytes[8..<16]) == [8, 7, 6, 5, 4, 3, 2, 1])
        #expect(Array(bytes[16..<24]) == [0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11])
        #expect(Array(bytes[24..<32]) == [0x24, 0x23, 0x22, 0x21, 0x34, 0x33, 0x32, 0x31])
        #expect(bytes[32...].allSatisfy { $0 == 0 })
    }

    @Test func `a name of the greatest length fits`() throws {
        let message = Message.store(name: String(repeating: "n", count: FileName.maxBytes), byteCount: 1)
        #expect(try Message(message.bytes) == message)
    }

    @Test func `a reason that is too long is cut between characters`() throws {
        guard case .failure(let text) = try Message(Message.failure(String(repeating: "€", count: 500)).bytes) else {
            Issue.record("another kind")
            return
        }
        #expect(text == String(repeating: "€", count: 328))
    }

    @Test func `what is not a message is refused with the reason`() {
        let good = Message.stored.bytes
        func changed(_ index: Int, _ byte: UInt8) -> [UInt8] {
            var bytes = good
            bytes[index] = byte
            return bytes
        }
        #expect(throws: MessageError.wrongLength(0)) { try Message([]) }
        #expect(throws: MessageError.wrongLength(1023)) { try Message(Array(good.dropLast())) }
        #expect(throws: MessageError.wrongLength(1025)) { try Message(good + [0]) }
        #expect(throws: MessageError.notAMessage) { try Message(changed(0, 0)) }
        #expect(throws: MessageError.unknownVersion(2)) { try Message(changed(4, 2)) }
        #expect(throws: MessageError.unknownKind(0)) { try Message(changed(6, 0)) }
        #expect(throws: MessageError.unknownKind(263)) { try Message(changed(7, 1)) }
    }

    @Test func `a text length beyond the message is refused`() {
        for length in [985, 1024, 65535] {
            var bytes = Message.fetch(name: "a").bytes
            bytes[38] = UInt8(length & 255)
            bytes[39] = UInt8(length >> 8)
            #expect(throws: MessageError.badField("the length of the text")) { try Message(bytes) }
        }
    }

    @Test func `a text that is no UTF-8 is refused`() {
        var bytes = Message.fetch(name: "a").bytes
        bytes[40] = 0xC0
        #expect(throws: MessageError.badField("the text, which is no UTF-8")) { try Message(bytes) }
    }

    @Test(arguments: [(0, 8), (4095, 8), (1 << 20 + 1, 8), (.max, 8), (4096, 0), (4096, 9), (4096, .max)])
    func `terms that would cost too much memory are refused`(_ chunkBytes: UInt32, _ chunkCount: UInt16) {
        let terms = TransferTerms(chunkBytes: chunkBytes, chunkCount: chunkCount)
        #expect(throws: MessageError.badField("the size or number of chunks")) {
            try Message(Message.accepted(byteCount: 1, terms).bytes)
        }
    }

    @Test(arguments: [1, 20_260_731] as [UInt64])
    func `random damage never traps, and what is understood has one form`(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var understood = 0
        for step in 0..<20_000 {
            var bytes = Self.all.randomElement(using: &generator)!.bytes
            for _ in 0..<Int.random(in: 0...4, using: &generator) {
                // Mostly the header, where the meaning is.
                let end = Bool.random(using: &generator) ? 48 : bytes.count
                bytes[Int.random(in: 0..<end, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            guard let message = try? Message(bytes) else { continue }
            understood += 1
            #expect((try? Message(message.bytes)) == message, "seed \(seed), step \(step)")
        }
        #expect(understood > 5_000, "seed \(seed)")
    }
}
