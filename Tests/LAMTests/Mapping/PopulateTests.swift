import Glibc
import LAM
import Testing

@Suite("Memory that nobody touched yet")
struct PopulateTests {
    private static let page = PageSpan.hostPageSize

    /// How many of a range's pages are there.
    private func residentPages(of memory: MemoryDescriptor) -> Int {
        var pages = [UInt8](repeating: 0, count: memory.length / Self.page)
        guard unsafe mincore(UnsafeMutableRawPointer(bitPattern: memory.address), memory.length, &pages) == 0 else {
            return 0
        }
        return pages.count { $0 & 1 == 1 }
    }

    @Test("is there once it is populated, by however many threads, and is not changed", arguments: [nil, 1, 2, 7])
    func populates(threads: Int?) throws {
        let buffer = try PageBuffer(count: 40 << 20)
        buffer.copyIn([1, 2, 3], at: 5)
        #expect(residentPages(of: buffer.descriptor) < buffer.count / Self.page)
        buffer.populate(threads: threads)
        #expect(residentPages(of: buffer.descriptor) == buffer.count / Self.page)
        #expect(buffer.copyOut(4..<9) == [0, 1, 2, 3, 0])
    }

    @Test("can be read-only, or not be there: then nothing happens")
    func leavesAlone() throws {
        let length = 4 * Self.page
        let memory = unsafe try #require(mmap(nil, length, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
        let descriptor = MemoryDescriptor(unsafe UnsafeRawBufferPointer(start: memory, count: length))
        descriptor.populate()
        #expect(residentPages(of: descriptor) == 0)
        descriptor.populate(for: .readOnly)
        #expect(residentPages(of: descriptor) == length / Self.page)
        unsafe munmap(memory, length)
        descriptor.populate()
        MemoryDescriptor(address: 1, length: .max).populate(threads: 2)
        MemoryDescriptor(address: 1, length: 0).populate()
        #expect(residentPages(of: descriptor) == 0)
    }

    @Test("asks for huge pages where it is to have them, and is aligned for them")
    func transparentHugePages() throws {
        let buffer = try PageBuffer(count: 5 << 20, pages: .transparentHuge)
        #expect(buffer.descriptor.address.isMultiple(of: 2 << 20))
        #expect(buffer.allocatedBytes == 5 << 20)
        buffer.populate()
        #expect(residentPages(of: buffer.descriptor) == buffer.count / Self.page)
        #expect(try PageBuffer(count: 1, pages: .transparentHuge).allocatedBytes == Self.page)
    }

    @Test("comes of the pool of huge pages, or is refused where it has too few")
    func hugePages() throws {
        let free = HostLimits.current().hugePages?.free ?? 0
        guard free > 0 else {
            #expect(throws: MappingError.allocationFailed(bytes: 1, errno: ENOMEM)) {
                _ = try PageBuffer(count: 1, pages: .huge)
            }
            return
        }
        let buffer = try PageBuffer(count: 1, pages: .huge)
        #expect(buffer.count == 1 && buffer.allocatedBytes >= 2 << 20)
        #expect(buffer.copyOut() == [0])
    }

    @Test("is refused where it is more than there can be")
    func tooMuch() {
        for pages in [PageKind.ordinary, .transparentHuge, .huge] {
            #expect(throws: MappingError.self) { _ = try PageBuffer(count: .max, pages: pages) }
        }
    }
}
