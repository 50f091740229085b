/// One virtually contiguous byte range of this process: what NDK calls an MDL.
///
/// A descriptor is two numbers. Making one touches no memory, retains no memory and cannot fail; the range need not
/// even be mapped (rule L5). What is unsafe is to build a mapping over memory that may be freed before the mapping is
/// released: the pages stay pinned and the device keeps writing into them, but they are no longer the caller's. A
/// ``PageBuffer`` takes that burden away, because a mapping can retain it.
///
/// A chain is any collection of descriptors. Building and releasing a mapping never changes a descriptor (rule L15).
public struct MemoryDescriptor: Hashable, Sendable {
    /// The virtual address of the first byte; any alignment.
    public let address: UInt

    /// How many bytes the range has; zero is legal within a chain.
    public let length: Int

    /// Describes `length` bytes from `address` on.
    ///
    /// Traps if `length` is negative. That the range ends within the address space is checked by the build.
    public init(address: UInt, length: Int) {
        guard length >= 0 else { fatalError("MemoryDescriptor: negative length \(length)") }
        self.address = address
        self.length = length
    }

    /// Describes the bytes of a buffer pointer, which it neither reads nor keeps alive.
    ///
    /// Never describe the storage of an `Array` or `Data`: their pointers end with the closure that lent them (trap
    /// T36).
    @safe
    public init(_ buffer: UnsafeRawBufferPointer) {
        self.init(address: UInt(bitPattern: buffer.baseAddress), length: buffer.count)
    }

    /// Describes the bytes of a mutable buffer pointer, which it neither reads nor keeps alive.
    ///
    /// Never describe the storage of an `Array` or `Data`: their pointers end with the closure that lent them (trap
    /// T36).
    @safe
    public init(_ buffer: UnsafeMutableRawBufferPointer) {
        self.init(address: UInt(bitPattern: buffer.baseAddress), length: buffer.count)
    }
}

extension MemoryDescriptor: CustomStringConvertible {
    /// The range in words, such as `4096 bytes at 0x7f1200001000`.
    public var description: String { "\(length) bytes at \(hexadecimal(address))" }
}
