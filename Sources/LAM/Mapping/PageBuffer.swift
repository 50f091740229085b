/// Page-aligned, zero-filled memory that a mapping can retain, so that it outlives every use by the device (trap T36).
///
/// Registered memory must stay where it is for as long as it is registered. The storage of an `Array` or a `Data` does
/// not, and a pointer of yours only does if you take care. A page buffer does by itself: a mapping built over it keeps
/// a reference, so the pages go back to the system when the last mapping is released and the last reference is gone.
///
/// ## When to read, when to write
///
/// The device reads and writes these bytes behind the compiler's back. Bytes that a request *receives or reads* into
/// are yours from the moment its completion was polled; before that their contents are undefined, also piecewise and
/// out of order. Bytes that a request *sends* must stay as they are until its completion was polled. Do not wait for
/// the device by looking at the bytes: within one access closure the compiler may load a byte once and reuse it. Poll
/// the completion queue and begin a new access afterwards.
///
/// The same holds between threads: the buffer orders nothing. Accesses at the same time are fine while their bytes do
/// not overlap, or while none of them writes; otherwise the bytes read are a mixture. Bounds are always checked.
@safe
public final class PageBuffer: @unchecked Sendable {
    // @unchecked: the stored properties never change. The bytes behind `base` are shared with a device that respects no
    // lock, so a lock around the CPU's accesses would promise nothing; they are raw bytes, for which every mixture is a
    // valid value.

    /// How many bytes the buffer has: as many as were asked for.
    public let count: Int

    /// How many bytes its whole pages have; those behind ``count`` are never touched.
    public let allocatedBytes: Int

    private let memory: AnonymousMemory

    /// Mapped for `allocatedBytes` bytes as long as `memory` is there, at a fixed address.
    @usableFromInline let base: UnsafeMutableRawPointer

    /// Allocates `count` zero bytes in pages of their own.
    ///
    /// The pages are reserved, not touched: the first access, the registration or ``populate(threads:)`` makes them
    /// resident.
    /// - Parameters:
    ///   - count: bytes.
    ///   - pages: of which kind; huge ones make registrations of large buffers several times as fast.
    /// - Throws: ``MappingError/empty`` if `count` is not positive, ``MappingError/allocationFailed(bytes:errno:)`` if
    ///   the system refuses (`mmap`), also where ``PageKind/huge`` pages are asked for and the pool has too few.
    public init(count: Int, pages: PageKind = .ordinary) throws(MappingError) {
        guard count > 0 else { throw .empty }
        memory = try AnonymousMemory(length: count, pages: pages)
        self.count = count
        allocatedBytes = memory.length
        unsafe base = memory.pointer
    }

    /// The buffer as a range to build a mapping over: ``count`` bytes from its first page on.
    @inlinable public var descriptor: MemoryDescriptor {
        MemoryDescriptor(unsafe UnsafeRawBufferPointer(start: base, count: count))
    }
}

extension PageBuffer {
    /// Lends the bytes as a pointer that is valid until `body` returns.
    ///
    /// A mapping may be built from the pointer only if it retains the buffer as well.
    @unsafe
    public func withUnsafeMutableBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // The argument of `body` holds no reference, so the buffer has to be kept until it is done.
        defer { withExtendedLifetime(self) {} }
        return try unsafe body(UnsafeMutableRawBufferPointer(start: base, count: count))
    }
}
