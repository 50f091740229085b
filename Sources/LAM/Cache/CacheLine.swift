/// Seven rows of a `CacheTable`, taken from the first one on: a cache line.
@safe
struct CacheLine {
    /// A byte for each row, the first one lowest; zero in an empty row, and in the eighth, which does not exist.
    private var tags: UInt64 = 0
    private var values = unsafe InlineArray<7, UnsafeMutableRawPointer?>(repeating: nil)

    static var capacity: Int { 7 }

    /// What a row says of its key.
    ///
    /// Never less than 128, so that a tag differs in more than the lowest bit from that of an empty row.
    @inline(__always)
    static func tag(_ mixed: UInt) -> UInt8 { UInt8(truncatingIfNeeded: mixed &>> 56) | 0x80 }

    var count: Int { 8 - tags.leadingZeroBitCount / 8 }

    @inline(__always)
    var isFull: Bool { tags &>> 48 != 0 }

    @inline(__always)
    subscript(index: Int) -> UnsafeMutableRawPointer { unsafe values[unchecked: index].unsafelyUnwrapped }

    /// The highest bit of each row's byte whose tag this is, and perhaps of others', none of them empty.
    @inline(__always)
    func matches(_ tag: UInt8) -> UInt64 {
        let differences = tags ^ (UInt64(tag) &* 0x0101_0101_0101_0101)
        // Taking 1 from a byte sets its highest bit if it is zero; a byte above one that is zero may follow it.
        return (differences &- 0x0101_0101_0101_0101) & ~differences & 0x8080_8080_8080_8080
    }

    mutating func append(_ value: UnsafeMutableRawPointer, _ tag: UInt8) {
        let index = count
        unsafe values[index] = unsafe value
        tags |= UInt64(tag) << (8 * index)
    }

    /// Moves the last row to an index, and empties it.
    mutating func remove(_ index: Int) {
        let last = count - 1
        let tag = tags >> (8 * last)
        tags &= ~(0xFF << (8 * last))
        if index != last {
            unsafe values[index] = unsafe values[last]
            tags = tags & ~(0xFF << (8 * index)) | tag << (8 * index)
        }
        unsafe values[last] = nil
    }
}
