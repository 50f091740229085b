/// The sizes of blocks: powers of two, each block aligned to its size.
///
/// Powers of two waste up to half of a block, and in return everything a caller could want to be aligned is: sectors,
/// pages and huge pages.
struct BlockSize: Hashable {
    /// Which of the sizes, from 0.
    let index: Int

    static let count = 22

    init(index: Int) {
        self.index = index
    }

    private static let smallestShift = 9

    /// The smallest size that holds `length` bytes; nil if none does.
    @inline(__always)
    init?(holding length: Int) {
        guard length > 0, length <= Self.largest else { return nil }
        let shift = Int.bitWidth - (length - 1).leadingZeroBitCount
        index = max(shift, Self.smallestShift) - Self.smallestShift
    }

    /// Bytes of a block.
    var bytes: Int { 1 << shift }

    /// Bytes of the largest block: 1 GiB.
    static var largest: Int { 1 << (count - 1 + smallestShift) }

    /// How many blocks a thread keeps to itself, once released, before it asks which are idle.
    ///
    /// Asking costs a system call that interrupts the other processors: some microseconds for all of them together. As
    /// many small blocks make that a few nanoseconds each; few large ones keep little memory from other threads.
    var batch: Int { min(1024, max(1, (4 << 20) >> shift)) }

    private var shift: Int { index + Self.smallestShift }
}
