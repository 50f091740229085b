import Synchronization

/// A table that grows without moving its elements, so that readers need no lock.
///
/// Each element is created once, when its chunk is, and stays where it is until the table goes away.
/// - Complexity: reading is two loads; growing allocates one chunk.
// Sendable: chunks are published with release and never withdrawn; what an element holds guards itself.
@safe
final class ChunkedTable<Element: ~Copyable>: @unchecked Sendable {
    static var chunkSize: Int { 1024 }

    private let chunks: UnsafeMutablePointer<Atomic<UnsafeMutablePointer<Element>?>>
    private let chunkCount: Int

    init(capacity: Int) {
        chunkCount = (capacity + Self.chunkSize - 1) / Self.chunkSize
        unsafe chunks = .allocate(capacity: chunkCount)
        for index in 0..<chunkCount {
            unsafe (chunks + index).initialize(to: Atomic(nil))
        }
    }

    deinit {
        for index in 0..<chunkCount {
            if let chunk = unsafe chunks[index].load(ordering: .acquiring) {
                unsafe chunk.deinitialize(count: Self.chunkSize)
                unsafe chunk.deallocate()
            }
        }
        unsafe chunks.deinitialize(count: chunkCount)
        unsafe chunks.deallocate()
    }

    /// The element at `index`, or nil where the table has not grown yet.
    @inline(__always)
    func element(at index: Int) -> UnsafeMutablePointer<Element>? {
        let chunk = index / Self.chunkSize
        guard chunk < chunkCount, let first = unsafe chunks[chunk].load(ordering: .acquiring) else {
            return nil
        }
        return unsafe first + index % Self.chunkSize
    }

    /// Creates the chunk that holds `index`; the caller keeps others from growing the table meanwhile.
    func grow(toHold index: Int, _ make: () -> Element) {
        let chunk = UnsafeMutablePointer<Element>.allocate(capacity: Self.chunkSize)
        for offset in 0..<Self.chunkSize {
            unsafe (chunk + offset).initialize(to: make())
        }
        unsafe chunks[index / Self.chunkSize].store(chunk, ordering: .releasing)
    }
}
