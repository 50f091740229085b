import Glibc
import LAM
import Testing

private let pageSizes = [4_096, 16_384, 65_536]

@Suite("Page arithmetic")
struct PageArithmeticTests {
    @Test("[1] one whole page is one page from offset 0", arguments: pageSizes)
    func wholePage(pageSize: Int) {
        let span = PageSpan(address: UInt(3 * pageSize), length: pageSize, pageSize: pageSize)
        #expect(span.pageCount == 1)
        #expect(span.firstByteOffset == 0)
        #expect(span.pinnedBytes == pageSize)
    }

    @Test("[2] one byte within a page is one page from its offset", arguments: pageSizes)
    func oneByte(pageSize: Int) {
        let span = PageSpan(address: UInt(pageSize + 100), length: 1, pageSize: pageSize)
        #expect(span.pageCount == 1)
        #expect(span.firstByteOffset == 100)
    }

    @Test("[3] two bytes over a page boundary are two pages", arguments: pageSizes)
    func boundary(pageSize: Int) {
        let span = PageSpan(address: UInt(2 * pageSize - 1), length: 2, pageSize: pageSize)
        #expect(span.pageCount == 2)
        #expect(span.firstByteOffset == pageSize - 1)
        #expect(span.pinnedBytes == 2 * pageSize)
    }

    @Test("[4] counts the pages that hold a byte, for random ranges", arguments: pageSizes, UInt64(1)...4)
    func random(pageSize: Int, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for step in 0..<2_000 {
            let address = UInt.random(in: 0...UInt(1) << 47, using: &generator)
            let length = Int.random(in: 1...(20 * pageSize), using: &generator)
            let span = PageSpan(address: address, length: length, pageSize: pageSize)
            let first = address / UInt(pageSize)
            let last = (address + UInt(length) - 1) / UInt(pageSize)
            #expect(span.pageCount == Int(last - first + 1), "seed \(seed), step \(step)")
            #expect(span.firstByteOffset == Int(address - first * UInt(pageSize)), "seed \(seed), step \(step)")
        }
    }

    @Test("no range overflows", arguments: pageSizes)
    func noOverflow(pageSize: Int) {
        #expect(PageSpan(address: .max, length: .max, pageSize: pageSize).pageCount == Int.max / pageSize + 2)
        #expect(PageSpan(address: .max, length: .max, pageSize: pageSize).pinnedBytes == .max)
        #expect(PageSpan(address: 0, length: 0, pageSize: pageSize).pageCount == 0)
    }

    @Test("[31] the page size is that of the host")
    func hostPage() {
        #expect(PageSpan.hostPageSize == sysconf(CInt(_SC_PAGESIZE)))
        #expect(PageSpan(address: 0, length: 1).pageSize == PageSpan.hostPageSize)
    }

    @Test("a page size that is no power of two traps")
    func oddPageSize() async {
        await #expect(processExitsWith: .failure) { _ = PageSpan(address: 0, length: 1, pageSize: 3_000) }
    }
}

@Suite("The page array of a mapping")
struct PageArrayTests {
    @Test("[5] has one page-aligned address after the other, for random mappings", arguments: pageSizes, UInt64(1)...4)
    func pages(pageSize: Int, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for step in 0..<200 {
            let base = UInt64.random(in: 0...1 << 62, using: &generator)
            let length = Int.random(in: 1...(10 * pageSize), using: &generator)
            let pages = PageArray(firstByte: LogicalAddress(rawValue: base), length: length, pageSize: pageSize)
            let first = base - base % UInt64(pageSize)
            let expected = stride(from: first, to: base + UInt64(length), by: pageSize)
            #expect(pages.map(\.rawValue) == Array(expected), "seed \(seed), step \(step)")
            #expect(pages.allSatisfy { (page) in page.rawValue % UInt64(pageSize) == 0 }, "seed \(seed), step \(step)")
        }
    }

    @Test("is a collection like any other")
    func collection() {
        let pages = PageArray(firstByte: LogicalAddress(rawValue: 0x5064), length: 0x2000, pageSize: 4_096)
        #expect(pages.count == 3)
        #expect(pages.firstPage.rawValue == 0x5000)
        #expect(pages.first?.rawValue == 0x5000)
        #expect(pages.last?.rawValue == 0x7000)
        #expect(pages.indices == 0..<3)
        #expect(pages.reversed().map(\.rawValue) == [0x7000, 0x6000, 0x5000])
        #expect(pages.dropFirst().first?.rawValue == 0x6000)
        #expect(pages.firstIndex(of: LogicalAddress(rawValue: 0x6000)) == 1)
        #expect(pages.distance(from: 0, to: 3) == 3)
    }

    @Test("costs no storage, however long the mapping is")
    func noStorage() {
        let pages = PageArray(firstByte: LogicalAddress(rawValue: 0), length: 1 << 40, pageSize: 4_096)
        #expect(pages.count == 1 << 28)
        #expect(pages[1 << 27].rawValue == 1 << 39)
        #expect(MemoryLayout<PageArray>.size == 24)
    }

    @Test("a page that the mapping does not have traps", arguments: [-1, 2])
    func bounds(index: Int) async {
        await #expect(processExitsWith: .failure) { [index] in
            _ = PageArray(firstByte: LogicalAddress(rawValue: 0), length: 8_192, pageSize: 4_096)[index]
        }
    }
}

@Suite("A logical address")
struct LogicalAddressTests {
    private let address = LogicalAddress(rawValue: 0x1000)

    @Test("moves and measures in bytes")
    func arithmetic() {
        #expect(address.advanced(by: 0x10).rawValue == 0x1010)
        #expect(address.advanced(by: -0x10).rawValue == 0xFF0)
        #expect(address.distance(to: address.advanced(by: 77)) == 77)
        #expect(address.distance(to: address.advanced(by: -77)) == -77)
        #expect(Array(stride(from: address, to: address.advanced(by: 3), by: 2)).count == 2)
    }

    @Test("compares by its number, over the whole range")
    func order() {
        let lowest = LogicalAddress(rawValue: 0)
        let highest = LogicalAddress(rawValue: .max)
        #expect(lowest < highest)
        #expect(lowest != highest)
        #expect(Set([lowest, highest, lowest]).count == 2)
    }

    @Test("shows itself in hexadecimal")
    func text() {
        #expect("\(LogicalAddress(rawValue: 0x7F40_0000_1000))" == "0x7f4000001000")
    }

    @Test("traps where it would leave 64 bits")
    func overflow() async {
        await #expect(processExitsWith: .failure) { _ = LogicalAddress(rawValue: 5).advanced(by: -6) }
        await #expect(processExitsWith: .failure) { _ = LogicalAddress(rawValue: .max).advanced(by: 1) }
        await #expect(processExitsWith: .failure) {
            _ = LogicalAddress(rawValue: 0).distance(to: LogicalAddress(rawValue: .max))
        }
    }
}
