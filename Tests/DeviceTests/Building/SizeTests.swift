import LAM
import TestSupport
import Testing

extension OnDevice {
    /// What a consumer needs to write a page array out: `NdkBuildLam` fills 16 + 8 · pages bytes.
    ///
    /// The protocol of the sizing call itself (a null or short buffer gives the required size) is of the C interface.
    /// Here is what it stands on: the count is known before anything is registered, equals what the mapping then has,
    /// and the array is exactly as long as its count says.
    @Suite("The size of a page array")
    struct SizeTests {
        private static let page = DeviceMemory.pageSize

        @Test(
            "[15] the size is known from the chain alone, and finding it pins nothing",
            arguments: [(0, 1), (1, 4096), (4095, 2), (100, 9000), (0, 40960)])
        func knownBefore(offset: Int, length: Int) throws {
            let memory = try DeviceMemory(pages: 11)
            let adapter = try Pair.openAdapter()
            let before = try DeviceOracle.now()
            let chain = try MemoryChain([memory.descriptor(offset, length)], length: length)
            let size = 16 + 8 * PageSpan(address: chain.address, length: chain.length).pageCount
            #expect(try DeviceOracle.now() == before)
            let mapping = try unsafe adapter.buildLam([memory.descriptor(offset, length)])
            #expect(16 + 8 * mapping.pages.count == size)
        }

        @Test("[16] an array that is one entry short does not hold the pages, and is not written behind")
        func tooShort() throws {
            let memory = try DeviceMemory(pages: 3)
            let adapter = try Pair.openAdapter()
            let mapping = try unsafe adapter.buildLam([memory.descriptor()])
            let (written, rest) = writtenOut(mapping.pages, room: 2)
            #expect(written == [mapping.pages[0].rawValue, mapping.pages[1].rawValue, Self.untouched])
            #expect(rest == 1)
        }

        @Test("[17] an array of the exact size, or a larger one, is written to its size and not behind")
        func largeEnough() throws {
            let memory = try DeviceMemory(pages: 2)
            let adapter = try Pair.openAdapter()
            let mapping = try unsafe adapter.buildLam([memory.descriptor()])
            for room in 2...3 {
                let (written, rest) = writtenOut(mapping.pages, room: room)
                #expect(written.prefix(2).elementsEqual(mapping.pages.map(\.rawValue)))
                #expect(written.dropFirst(2).allSatisfy { $0 == Self.untouched })
                #expect(rest == 0)
            }
        }

        private static let untouched: UInt64 = 0xA5A5_A5A5_A5A5_A5A5

        /// Writes the pages to an array with room for some, followed by an entry that must stay.
        private func writtenOut(_ pages: PageArray, room: Int) -> (array: [UInt64], rest: Int) {
            var array = [UInt64](repeating: Self.untouched, count: room + 1)
            var rest = 0
            unsafe array.withUnsafeMutableBufferPointer { array in
                let part = unsafe UnsafeMutableBufferPointer(rebasing: array[..<room])
                var (left, _) = unsafe part.update(from: pages.map(\.rawValue))
                while left.next() != nil { rest += 1 }
            }
            return (array, rest)
        }
    }
}
