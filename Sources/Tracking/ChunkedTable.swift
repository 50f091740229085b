public import Synchronization

/// A table of up to 1,048,576 elements that grows without moving them, so that readers need no lock.
///
/// Each element is created once, when its chunk is, and stays where it is until the table goes away.
/// - Complexity: reading is two loads; growing allocates one chunk.
// Sendable: chunks are published with release and never withdrawn; what an element holds guards itself.
@usableFromInline @safe
package final class ChunkedTable<Element: ~Copyable>: @unchecked Sendable {
    /// How many chunks there can be, and how many elements each has.
    @usableFromInline static var chunkCount: Int { 1024 }
    @usableFromInline static var chunkSize: Int { 1024 }

    @usableFromInline typealias Chunks = UnsafeMutablePointer<Atomic<UnsafeMutablePointer<Element>?>>

    @usableFromInline let chunks: Chunks

    /// An empty table.
    init() {
        unsafe chunks = .allocate(capacity: Self.chunkCount)
        for index in 0..<Self.chunkCount {
            unsafe (chunks + index).initialize(to: Atomic(nil))
        }
    }

    deinit {
        for index in 0..<Self.chunkCount {
            if let chunk = unsafe chunks[index].load(ordering: .acquiring) {
                unsafe chunk.deinitialize(count: Self.chunkSize)
                unsafe UnsafeMutableRawPointer(chunk).deallocate()
            }
        }
        unsafe chunks.deinitialize(count: Self.chunkCount)
        unsafe chunks.deallocate()
    }

    /// The element at `index`, or nil where the table has not grown yet.
    @inlinable @inline(__always)
    package func element(at index: UInt32) -> UnsafeMutablePointer<Element>? {
        unsafe Self.element(at: index, in: chunks)
    }

    /// The same for a caller that keeps the table, and has looked up its `chunks` before.
    @inlinable @inline(__always)
    static func element(at index: UInt32, in chunks: Chunks) -> UnsafeMutablePointer<Element>? {
        let (chunk, offset) = Int(index).quotientAndRemainder(dividingBy: Self.chunkSize)
        guard chunk < Self.chunkCount, let first = unsafe chunks[chunk].load(ordering: .acquiring) else {
            return nil
        }
        return unsafe first + offset
    }

    /// Creates the chunk that holds `index`; the caller keeps others from growing the table meanwhile.
    func grow(toHold index: UInt32, _ make: () -> Element) {
        let bytes = Self.chunkSize * MemoryLayout<Element>.stride
        // Elements are laid out in cache lines, which begin at multiples of their size.
        let chunk = unsafe UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
            .bindMemory(to: Element.self, capacity: Self.chunkSize)
        for offset in 0..<Self.chunkSize {
            unsafe (chunk + offset).initialize(to: make())
        }
        unsafe chunks[Int(index) / Self.chunkSize].store(chunk, ordering: .releasing)
    }
}
