import Testing
import Tracking
import TrackingModel

@Suite("Bytes at a logical address")
struct ReadingTests {
    let fixture = Fixture()

    /// Memory that this process can read.
    @safe
    private final class Bytes {
        private let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 64)
        var address: UInt64 { unsafe UInt64(UInt(bitPattern: buffer.baseAddress)) }

        init() {
            for index in unsafe buffer.indices { unsafe buffer[index] = UInt8(index) }
        }

        deinit { unsafe buffer.deallocate() }
    }

    private func read(_ address: UInt64, _ length: UInt32) throws(UseError) -> [UInt8] {
        var found: [UInt8] = []
        try fixture.mappings.withBytes(at: address, length: length) { bytes in
            unsafe bytes.withUnsafeBytes { unsafe found = Array($0) }
        }
        return found
    }

    @Test("are those of the memory that was mapped, and no others")
    func mapping() throws {
        let bytes = Bytes()
        let range = try #require(fixture.mappings.reserve(memory: bytes.address, length: 40))
        #expect(throws: UseError.unmapped) { try read(range.base, 1) }
        fixture.mappings.publish(range.id, length: 40, key: 1, isWritable: false)
        #expect(try read(range.base, 40) == (0..<40).map { UInt8($0) })
        #expect(try read(range.base + 7, 3) == [7, 8, 9])
        #expect(throws: UseError.beyondEnd) { try read(range.base + 39, 2) }
        #expect(throws: UseError.unmapped) { try read(range.base + 40, 1) }
        #expect(throws: UseError.unmapped) { try read(UInt64.max, 1) }
        #expect(fixture.mappings.close(range.id))
        #expect(throws: UseError.unmapped) { try read(range.base, 1) }
        #expect(fixture.mappings.isIdle(range.id), "what was refused left no use")
    }

    @Test("hold the mapping while they are read, and not longer")
    func held() throws {
        let bytes = Bytes()
        let range = try #require(fixture.mappings.reserve(memory: bytes.address, length: 40))
        fixture.mappings.publish(range.id, length: 40, key: 1)
        try fixture.mappings.withBytes(at: range.base, length: 1) { _ in
            #expect(fixture.mappings.close(range.id))
            #expect(!fixture.mappings.isIdle(range.id))
        }
        #expect(fixture.mappings.isIdle(range.id))
    }

    @Test("of a cut are those of its part, each time it is opened")
    func cut() throws {
        let bytes = Bytes()
        let device = KeyedAddress(address: 0x0123_0000_1000, key: 9)
        let cut = try #require(fixture.mappings.reserveCut(memory: bytes.address + 8, room: 32, device: device))
        for _ in 0..<2 {
            let place = cut.open(length: 32)
            #expect(try read(place.address + 1, 2) == [9, 10])
            #expect(throws: UseError.unmapped) { try read(place.base, 1) }
            cut.close()
            #expect(fixture.mappings.settle(cut))
        }
    }
}
