import Glibc
import LAM
import TestSupport
import Testing

extension OnDevice {
    /// Which pages a mapping has. Rules L7 and L8.
    @Suite("The pages of a mapping")
    struct PageTests {
        private static let page = DeviceMemory.pageSize

        /// Builds over a part of `memory` and expects so many pages, all of them pinned.
        private func expectPages(
            _ count: Int, firstByteOffset: Int, of memory: DeviceMemory, _ offset: Int, _ length: Int,
            by adapter: Adapter, sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let before = try DeviceOracle.pinnedKilobytes()
            let mapping = try unsafe adapter.buildLam([memory.descriptor(offset, length)])
            #expect(mapping.pages.count == count, sourceLocation: sourceLocation)
            #expect(mapping.firstByteOffset == firstByteOffset, sourceLocation: sourceLocation)
            #expect(mapping.length == length, sourceLocation: sourceLocation)
            let pinned = try DeviceOracle.pinnedKilobytes() - before
            #expect(pinned == count * Self.page / 1024, sourceLocation: sourceLocation)
            expectIdle(mapping, sourceLocation: sourceLocation)
            #expect(try DeviceOracle.pinnedKilobytes() == before, sourceLocation: sourceLocation)
        }

        @Test("[1] one aligned page is one page, and pins one page")
        func onePage() throws {
            let adapter = try Pair.openAdapter()
            let memory = try DeviceMemory(pages: 1)
            try expectPages(1, firstByteOffset: 0, of: memory, 0, Self.page, by: adapter)
        }

        @Test("[2] one byte 100 bytes behind the beginning of a page is one page with first byte offset 100")
        func oneByte() throws {
            let adapter = try Pair.openAdapter()
            let memory = try DeviceMemory(pages: 1)
            try expectPages(1, firstByteOffset: 100, of: memory, 100, 1, by: adapter)
        }

        @Test("[3] two bytes across a boundary are two pages")
        func acrossBoundary() throws {
            let adapter = try Pair.openAdapter()
            let memory = try DeviceMemory(pages: 2)
            try expectPages(2, firstByteOffset: Self.page - 1, of: memory, Self.page - 1, 2, by: adapter)
        }

        @Test("[4] any offset and length have the pages they touch, and an element reaches the last byte")
        func anyRange() throws {
            let seed = UInt64.random(in: 0 ... .max)
            var random = SeededNumbers(seed: seed)
            var pair = try Pair()
            let memory = try DeviceMemory(pages: 8)
            memory.fill(seed: 4)
            let sink = try PageBuffer(count: 1)
            let received = try pair.adapter.buildLam(over: sink)
            for _ in 0..<8 {
                let offset = Int.random(in: 0..<Self.page, using: &random)
                let length = Int.random(in: 1...(7 * Self.page), using: &random)
                let mapping = try unsafe pair.adapter.buildLam([memory.descriptor(offset, length)])
                let pages = (offset + length + Self.page - 1) / Self.page
                #expect(mapping.pages.count == pages, "seed \(seed): offset \(offset), length \(length)")
                #expect(mapping.firstByteOffset == offset, "seed \(seed)")
                try pair.far.queuePair.receive(into: received, 0..<1)
                try pair.near.queuePair.send(mapping, length - 1..<length)
                #expect(try pair.near.completions.next()[0].status == .success, "seed \(seed)")
                #expect(try pair.far.completions.next()[0].byteCount == 1, "seed \(seed)")
                #expect(sink.copyOut() == [memory[offset + length - 1]], "seed \(seed)")
                expectIdle(mapping)
            }
            expectIdle(received)
            try pair.close()
        }

        @Test("[5] every page address is a multiple of the page size, and the first byte lies in the first page")
        func alignment() throws {
            let adapter = try Pair.openAdapter()
            let memory = try DeviceMemory(pages: 5)
            let mapping = try unsafe adapter.buildLam([memory.descriptor(77, 4 * Self.page)])
            let pages = mapping.pages
            #expect(pages.allSatisfy { $0.rawValue % UInt64(Self.page) == 0 })
            #expect(pages[0].rawValue + 77 == mapping.baseAddress.rawValue)
            #expect(Set(pages).count == 5)
        }

        @Test("[31] memory of huge pages has page addresses in host pages")
        func hugePages() throws {
            let hugePage = 2 << 20
            let reserved = try HugePageReserve(atLeast: 1)
            defer { reserved.giveBack() }
            let memory = try DeviceMemory(pages: 1, pageSize: hugePage, flags: MAP_HUGETLB)
            let adapter = try Pair.openAdapter()
            try expectPages(
                hugePage / Self.page, firstByteOffset: 0, of: memory, 0, hugePage, by: adapter)
            try expectPages(2, firstByteOffset: 5, of: memory, 3 * Self.page + 5, Self.page, by: adapter)
        }
    }
}
