import CNDK
import Glibc
import TrackingModel

/// The memory that the program maps, posts and passes.
@safe
final class ProgramMemory: Sendable {
    static let pageSize: UInt = 4096
    /// Longer than what is pinned while the caller waits.
    private static let byteCount: UInt = 3 << 20

    let bytes: Range<UInt>

    init() {
        let start = unsafe mmap(
            nil, Int(Self.byteCount), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        let address = UInt(bitPattern: start)
        bytes = address..<address + Self.byteCount
    }

    deinit { unsafe munmap(UnsafeMutableRawPointer(bitPattern: bytes.lowerBound), bytes.count) }

    /// Some range of it, rarely a long one.
    func range(_ random: inout RandomSource) -> Range<UInt> {
        let length = UInt(random.chance(5) ? random.below(bytes.count) : random.below(5 * Int(Self.pageSize)))
        let start = bytes.lowerBound + UInt(random.below(bytes.count - Int(length)))
        return start..<start + length
    }
}

/// A chain of memory descriptors, in memory of its own.
@safe
final class Chain: @unchecked Sendable {
    /// nil for no chain.
    let first: UnsafeMutablePointer<MDL>?
    private let count: Int
    /// What the program says it is about.
    let length: Int

    /// A chain over a range, as it should be or not.
    init(over range: Range<UInt>, _ random: inout RandomSource) {
        let isGood = random.chance(85)
        count = isGood || random.chance(80) ? 1 + random.below(3) : 0
        length = isGood ? range.count : Self.wrongLengths(range.count)[random.below(5)]
        guard count > 0 else {
            unsafe first = nil
            return
        }
        let list = UnsafeMutablePointer<MDL>.allocate(capacity: count)
        unsafe first = unsafe list
        var start = range.lowerBound
        for index in 0..<count {
            let end = index == count - 1 ? range.upperBound : start + (range.upperBound - start) / 2
            unsafe (list + index).initialize(to: MDL())
            unsafe MmInitializeMdl(list + index, UnsafeMutableRawPointer(bitPattern: start), Int(end - start))
            if index > 0 { unsafe list[index - 1].Next = unsafe list + index }
            start = end
        }
        guard !isGood else { return }
        switch random.below(4) {
        // A gap, a range that is nobody's, a chain that bites its tail.
        case 0: unsafe list[random.below(count)].ByteOffset ^= 8
        case 1: unsafe list[0].StartVa = unsafe UnsafeMutableRawPointer(bitPattern: UInt(random.next()) & ~0xFFF)
        case 2: unsafe list[count - 1].Next = unsafe list
        default: break
        }
    }

    private static func wrongLengths(_ length: Int) -> [Int] { [0, length + 1, length * 2, -1, .max] }

    deinit { unsafe first?.deallocate() }
}

/// A mapping that the program has built, or has asked for.
// Sendable: `isLive` changes under the program's lock, the rest is the library's until the build has ended.
@safe
final class Mapping: @unchecked Sendable {
    let adapter: Object
    let chain: Chain
    let description: UnsafeMutablePointer<NDK_LOGICAL_ADDRESS_MAPPING>
    let size = UnsafeMutablePointer<ULONG>.allocate(capacity: 1)
    let firstByteOffset = UnsafeMutablePointer<ULONG>.allocate(capacity: 1)
    /// Described, and perhaps released since.
    var isBuilt = false
    var isLive = false

    /// Makes room for so many pages, and says so.
    init(_ chain: Chain, on adapter: Object, pages: Int) {
        self.adapter = adapter
        self.chain = chain
        let room = 16 + 8 * pages
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: room, alignment: 8)
        unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0, count: room)
        unsafe description = unsafe bytes.assumingMemoryBound(to: NDK_LOGICAL_ADDRESS_MAPPING.self)
        unsafe size.initialize(to: ULONG(room))
        unsafe firstByteOffset.initialize(to: 0)
    }

    deinit {
        unsafe UnsafeMutableRawPointer(description).deallocate()
        unsafe size.deallocate()
        unsafe firstByteOffset.deallocate()
    }

    var pages: [NDK_LOGICAL_ADDRESS] {
        let count = unsafe Int(description.pointee.AdapterPageCount)
        let first = unsafe UnsafeRawPointer(description).advanced(by: 16)
        return (0..<count).map { unsafe first.load(fromByteOffset: 8 * $0, as: NDK_LOGICAL_ADDRESS.self) }
    }

    /// The logical address of the first byte.
    var address: UInt64 { unsafe UInt64(bitPattern: (pages.first?.QuadPart ?? 0)) + UInt64(firstByteOffset.pointee) }
}
