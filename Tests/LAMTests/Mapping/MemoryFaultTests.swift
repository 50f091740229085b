import Glibc
import LAM
import Synchronization
import Testing

/// Pages at an address where nobody else maps memory, so that a hole in them stays one while other tests run.
private struct Pages: ~Copyable {
    static let size = PageSpan.hostPageSize
    /// Low enough for the sanitizers, which take the middle of the address space.
    private static let next = Atomic<UInt>(0x4000_0000)

    let start: UInt
    let count: Int

    init(_ count: Int) {
        self.count = count
        start = Self.next.wrappingAdd(UInt((count + 1) * Self.size), ordering: .relaxed).oldValue
        let mapped = unsafe mmap(
            UnsafeMutableRawPointer(bitPattern: start), count * Self.size, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0)
        guard UInt(bitPattern: mapped) == start else { fatalError("no pages at \(start), errno \(errno)") }
    }

    deinit {
        unsafe munmap(UnsafeMutableRawPointer(bitPattern: start), count * Self.size)
    }

    func address(_ page: Int) -> UInt {
        start + UInt(page * Self.size)
    }

    func unmap(_ page: Int) {
        let result = unsafe munmap(UnsafeMutableRawPointer(bitPattern: address(page)), Self.size)
        guard result == 0 else { fatalError("munmap: errno \(errno)") }
    }

    func protect(_ page: Int, _ rights: CInt) {
        let result = unsafe mprotect(UnsafeMutableRawPointer(bitPattern: address(page)), Self.size, rights)
        guard result == 0 else { fatalError("mprotect: errno \(errno)") }
    }

    func diagnose(from first: UInt? = nil, pages: Int? = nil, writable: Bool = true) throws -> MappingError? {
        let from = first ?? start
        let descriptor = MemoryDescriptor(address: from, length: (pages ?? count) * Self.size)
        return MemoryFault.diagnose(try MemoryChain([descriptor], length: descriptor.length), writable: writable)
    }
}

@Suite("The diagnosis of memory that cannot be pinned")
struct MemoryFaultTests {
    @Test("finds nothing in memory that is there")
    func sound() throws {
        let pages = Pages(5)
        #expect(try pages.diagnose() == nil)
        #expect(try pages.diagnose(writable: false) == nil)
    }

    @Test("[19] names the first address of a hole")
    func hole() throws {
        let pages = Pages(5)
        pages.unmap(2)
        pages.unmap(4)
        #expect(try pages.diagnose() == .unmapped(address: pages.address(2)))
        #expect(try pages.diagnose(writable: false) == .unmapped(address: pages.address(2)))
        #expect(try pages.diagnose(from: pages.start + 10, pages: 2) == .unmapped(address: pages.address(2)))
        #expect(try pages.diagnose(pages: 2) == nil)
        #expect(try pages.diagnose(from: pages.address(3), pages: 1) == nil)
    }

    @Test("[19] names the first asked address if the range begins in a hole, or ends in one")
    func holeAtEnds() throws {
        let pages = Pages(4)
        pages.unmap(0)
        pages.unmap(3)
        #expect(try pages.diagnose(from: pages.start + 77, pages: 2) == .unmapped(address: pages.start + 77))
        #expect(try pages.diagnose(from: pages.address(1), pages: 3) == .unmapped(address: pages.address(3)))
    }

    @Test("[20] names the first address that is not writable, unless the mapping is to be read-only")
    func readOnly() throws {
        let pages = Pages(4)
        pages.protect(1, PROT_READ)
        #expect(try pages.diagnose() == .notWritable(address: pages.address(1)))
        #expect(try pages.diagnose(from: pages.address(1) + 5, pages: 1) == .notWritable(address: pages.address(1) + 5))
        #expect(try pages.diagnose(writable: false) == nil)
    }

    @Test("[20] names the first address that is not readable to a read-only mapping")
    func notReadable() throws {
        let pages = Pages(3)
        pages.protect(2, PROT_NONE)
        #expect(try pages.diagnose(writable: false) == .notReadable(address: pages.address(2)))
        #expect(try pages.diagnose() == .notWritable(address: pages.address(2)))
    }

    @Test("names whichever of two faults comes first")
    func first() throws {
        let pages = Pages(4)
        pages.protect(1, PROT_READ)
        pages.unmap(2)
        #expect(try pages.diagnose() == .notWritable(address: pages.address(1)))
        #expect(try pages.diagnose(writable: false) == .unmapped(address: pages.address(2)))
    }

    @Test("nothing is mapped at address 0")
    func null() throws {
        let chain = try MemoryChain([MemoryDescriptor(address: 0, length: 1)], length: 1)
        #expect(MemoryFault.diagnose(chain, writable: true) == .unmapped(address: 0))
    }

    @Test("nothing is mapped at the end of the address space")
    func top() throws {
        let chain = try MemoryChain([MemoryDescriptor(address: .max - 4_096, length: 4_096)], length: 4_096)
        #expect(MemoryFault.diagnose(chain, writable: true) == .unmapped(address: .max - 4_096))
    }

    @Test("finds its way through thousands of areas")
    func manyAreas() throws {
        let pages = Pages(6_000)
        for page in stride(from: 0, to: 6_000, by: 2) { pages.protect(page, PROT_READ) }
        #expect(try pages.diagnose(writable: false) == nil)
        pages.unmap(5_999)
        #expect(try pages.diagnose(writable: false) == .unmapped(address: pages.address(5_999)))
    }
}

@Suite("The search through a list of memory areas")
struct MemoryFaultSearchTests {
    private static let list = """
        1000-3000 r--p 00000000 fe:00 254163                     /usr/bin/a - b rw-p
        3000-5000 rw-p 00002000 fe:00 254163 \("")
        6000-7000 rw-s 00000000 00:01 1024                       /dev/zero (deleted)
        ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]

        """

    private func search(
        _ address: UInt, _ length: Int, writable: Bool, in list: String = Self.list, pieces: Int = 4_096
    ) throws -> MappingError? {
        let chain = try MemoryChain([MemoryDescriptor(address: address, length: length)], length: length)
        var search = MemoryFaultSearch(chain, writable: writable)
        let bytes = Array(list.utf8)
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            let piece = Array(bytes[start..<min(start + pieces, bytes.count)])
            guard search.feed(piece.span) else { break }
        }
        return search.finish()
    }

    @Test("finds the same wherever the list is cut", arguments: [1, 2, 3, 7, 40, 4_096])
    func pieces(size: Int) throws {
        #expect(try search(0x1000, 0x4000, writable: false, pieces: size) == nil)
        #expect(try search(0x3000, 0x2000, writable: true, pieces: size) == nil)
        #expect(try search(0x2FFF, 2, writable: true, pieces: size) == .notWritable(address: 0x2FFF))
        #expect(try search(0x3000, 0x2001, writable: true, pieces: size) == .unmapped(address: 0x5000))
        #expect(try search(0x6FFF, 2, writable: true, pieces: size) == .unmapped(address: 0x7000))
        #expect(try search(0x10, 1, writable: true, pieces: size) == .unmapped(address: 0x10))
        #expect(try search(0x5FFF, 2, writable: true, pieces: size) == .unmapped(address: 0x5FFF))
    }

    @Test(
        "concludes nothing from a list that looks otherwise", arguments: ["?", "1000 2000 rw-p", "1000-2000 rw-p\nx"])
    func malformed(list: String) throws {
        #expect(try search(0x1000, 0x2000, writable: true, in: list) == nil)
    }

    @Test("everything is unmapped in an empty list")
    func emptyList() throws {
        #expect(try search(0x1000, 1, writable: true, in: "") == .unmapped(address: 0x1000))
    }
}
