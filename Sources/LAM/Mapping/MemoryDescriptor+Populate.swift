import Glibc
import Synchronization

extension MemoryDescriptor {
    /// Has the kernel back memory with pages now, on several processors at once.
    ///
    /// A registration does so as well, page by page on one processor, and clearing a page takes many times as long as
    /// pinning it. Populating large memory that nobody has touched yet, before its mapping is built, therefore divides the
    /// time of the first build by nearly the number of processors; memory that is there already takes some
    /// nanoseconds for a page. The bytes are not changed. What cannot be populated, for instance because it is not mapped,
    /// is left to the build, which says why it fails.
    ///
    /// - Parameters:
    ///   - access: with which the mapping will be built; memory that cannot be written is only read.
    ///   - threads: how many, the caller's among them; as many as there are processors if nil. Small memory takes fewer.
    /// - Complexity: `madvise(MADV_POPULATE_WRITE)` of Linux 5.14 for each 16 MiB; returns when all is done.
    public func populate(for access: MemoryAccess = .readWrite, threads: Int? = nil) {
        let population = Population(self, access)
        let wanted = threads ?? sysconf(CInt(_SC_NPROCESSORS_ONLN))
        let helpers = (1..<max(1, min(wanted, population.pieceCount)))
            // With fewer threads than there may be, it takes longer.
            .compactMap { _ in try? WorkerThread { population.run() } }
        population.run()
        for helper in helpers { helper.join() }
    }
}

extension PageBuffer {
    /// Has the kernel back the whole buffer with pages now: ``MemoryDescriptor/populate(for:threads:)``.
    ///
    /// - Parameter threads: how many, the caller's among them; as many as there are processors if nil.
    public func populate(threads: Int? = nil) {
        descriptor.populate(threads: threads)
        withExtendedLifetime(self) {}
    }
}

/// Pieces of memory that threads take one after the other.
private final class Population: Sendable {
    private let firstPage: UInt
    private let length: Int
    private let advice: CInt
    private let next = Atomic(0)
    let pieceCount: Int

    /// A multiple of a huge page, and long enough that taking one costs nothing.
    private static let pieceBytes = 16 << 20

    // Newer than the C library's header.
    private static let populateRead: CInt = 22
    private static let populateWrite: CInt = 23

    init(_ memory: MemoryDescriptor, _ access: MemoryAccess) {
        let pages = PageSpan(address: memory.address, length: memory.length)
        firstPage = memory.address - UInt(pages.firstByteOffset)
        length = pages.pinnedBytes
        pieceCount = length / Self.pieceBytes + (length % Self.pieceBytes == 0 ? 0 : 1)
        advice = access == .readWrite ? Self.populateWrite : Self.populateRead
    }

    func run() {
        while true {
            let piece = next.add(1, ordering: .relaxed).oldValue
            guard piece < pieceCount else { return }
            let start = piece * Self.pieceBytes
            let code = unsafe madvise(
                UnsafeMutableRawPointer(bitPattern: firstPage + UInt(start)), min(Self.pieceBytes, length - start),
                advice)
            guard code == 0 else { return next.store(pieceCount, ordering: .relaxed) }
        }
    }
}
