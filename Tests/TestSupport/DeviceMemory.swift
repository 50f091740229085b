import Glibc
package import LAM

/// Memory of a test between two pages that nobody may touch, so that its kernel area is its own.
///
/// Unlike a `PageBuffer` it can be protected, locked and unmapped in parts.
@safe
package final class DeviceMemory: Sendable {
    package static let pageSize = sysconf(CInt(_SC_PAGESIZE))

    package let address: UInt
    package let length: Int

    /// Maps `pages` pages of zeros; those of `flags` may be huge ones.
    package init(pages: Int, pageSize: Int = DeviceMemory.pageSize, flags: CInt = 0) throws {
        length = pages * pageSize
        let reserve = length + 2 * pageSize
        let start = unsafe mmap(nil, reserve, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let start = unsafe start, unsafe start != MAP_FAILED else {
            throw DeviceProcess.Failure(description: "mmap: errno \(errno)")
        }
        let aligned = (UInt(bitPattern: start) + UInt(pageSize)) & ~UInt(pageSize - 1)
        let inner = unsafe mmap(
            UnsafeMutableRawPointer(bitPattern: aligned), length, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | flags, -1, 0)
        guard unsafe inner != MAP_FAILED else {
            throw DeviceProcess.Failure(description: "mmap of \(pages) pages of \(pageSize) bytes: errno \(errno)")
        }
        address = aligned
    }

    deinit {
        // The guard pages stay reserved: a stray access finds them, and not somebody else's memory.
        unsafe munmap(UnsafeMutableRawPointer(bitPattern: address), length)
    }

    private var pointer: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(bitPattern: address)! }

    /// A part of the memory, or what lies around it, as a descriptor.
    package func descriptor(_ offset: Int = 0, _ length: Int? = nil) -> MemoryDescriptor {
        MemoryDescriptor(address: address + UInt(offset), length: length ?? self.length - offset)
    }

    // MARK: Contents

    /// One byte. Loaded from memory each time: a device may have changed it.
    package subscript(offset: Int) -> UInt8 {
        get { unsafe (pointer + offset).load(as: UInt8.self) }
        set { unsafe (pointer + offset).storeBytes(of: newValue, as: UInt8.self) }
    }

    /// A part of the contents.
    package func bytes(_ range: Range<Int>) -> [UInt8] { range.map { self[$0] } }

    /// Fills it with bytes that differ from place to place, and from seed to seed.
    package func fill(seed: UInt8) {
        for offset in 0..<length { self[offset] = Self.byte(seed, at: offset) }
    }

    /// What `fill` wrote to a part.
    package static func filled(_ range: Range<Int>, seed: UInt8) -> [UInt8] {
        range.map { byte(seed, at: $0) }
    }

    private static func byte(_ seed: UInt8, at offset: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: offset &* 31 &+ offset >> 8) ^ seed
    }

    // MARK: The kernel's view

    /// Changes the rights of the pages from `page` on: `mprotect`.
    package func protect(page: Int, count: Int, _ protection: CInt) {
        let start = unsafe pointer + page * Self.pageSize
        precondition(unsafe mprotect(start, count * Self.pageSize, protection) == 0)
    }

    /// Makes a hole: `munmap`.
    package func unmap(page: Int) {
        precondition(unsafe munmap(pointer + page * Self.pageSize, Self.pageSize) == 0)
    }

    /// Gives the kernel an advice about all of it: `madvise`.
    package func advise(_ advice: CInt) {
        precondition(unsafe madvise(pointer, length, advice) == 0)
    }

    /// Locks all of it: `mlock`.
    package func lock() throws {
        guard unsafe mlock(pointer, length) == 0 else {
            throw DeviceProcess.Failure(description: "mlock: errno \(errno)")
        }
    }

    /// The kernel's areas of this memory, each with its range, its rights and its flags.
    package func areas() throws -> [String] { try descriptor().areas() }
}
