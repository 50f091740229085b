import Testing
import Tracking

@Suite("The tokens of regions")
struct RegionTableTests {
    private let bytes = RegionBytes(address: 0x1000, length: 64, logicalAddress: 0x5_0000_0000, isWritable: false)

    @Test("stand for the bytes that were assigned last, and for no others")
    func assigned() throws {
        let table = RegionTable(reserving: 0)
        let token = try #require(table.open())
        #expect(table.bytes(of: token) == nil)
        #expect(throws: UseError.unmapped) { try address(in: table, token, 0x1000, 1) }
        table.assign(bytes, to: token)
        #expect(table.bytes(of: token) == bytes)
        #expect(try address(in: table, token, 0x1000, 64) == 0x5_0000_0000)
        #expect(try address(in: table, token, 0x103F, 1) == 0x5_0000_003F)
        #expect(throws: UseError.beyondEnd) { try address(in: table, token, 0x103F, 2) }
        #expect(throws: UseError.unmapped) { try address(in: table, token, 0x1040, 1) }
        #expect(throws: UseError.unmapped) { try address(in: table, token, 0xFFF, 1) }
        #expect(throws: UseError.notWritable) {
            try table.logicalAddress(token: token, address: 0x1000, length: 1, isSink: true)
        }
        table.clear(token)
        #expect(throws: UseError.unmapped) { try address(in: table, token, 0x1000, 1) }
    }

    @Test("are none when they were never made, or were closed")
    func invalid() throws {
        let table = RegionTable(reserving: 0)
        let token = try #require(table.open())
        for stranger in [0, 1, 255, token ^ 1, token ^ 256, .max] {
            #expect(try address(in: table, stranger, 0x1000, 1) == nil)
        }
        table.assign(bytes, to: token)
        table.close(token)
        #expect(try address(in: table, token, 0x1000, 1) == nil)
        // A registration that ends late.
        table.clear(token)
        #expect(table.bytes(of: token) == nil)
    }

    @Test("[61] are never the reserved one, and each another")
    func reserved() throws {
        let first = try #require(RegionTable(reserving: 0).open())
        let table = RegionTable(reserving: first)
        var tokens: Set<UInt32> = [first]
        for _ in 0..<3000 {
            let token = try #require(table.open())
            #expect(tokens.insert(token).inserted)
            table.close(token)
        }
    }

    @Test("are read whole while another thread assigns")
    func concurrent() async throws {
        let table = RegionTable(reserving: 0)
        let token = try #require(table.open())
        let ranges = (1...2).map {
            RegionBytes(
                address: UInt64($0) << 20, length: UInt64($0) * 64, logicalAddress: UInt64($0) << 40, isWritable: true)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for round in 0..<20_000 { table.assign(ranges[round % 2], to: token) }
            }
            group.addTask {
                for _ in 0..<20_000 {
                    guard let found = table.bytes(of: token) else { continue }
                    #expect(ranges.contains(found))
                }
            }
            try await group.waitForAll()
        }
    }

    private func address(
        in table: RegionTable, _ token: UInt32, _ address: UInt64, _ length: UInt32
    ) throws(UseError) -> UInt64? {
        try table.logicalAddress(token: token, address: address, length: length, isSink: false)
    }
}
