/// Where one thread finds its first cut of each registration, by the key.
///
/// Cuts lie in lines of seven, each of which is one cache line. A cut is in the line that its key is mixed to or, where
/// that was full, in one of the next; lines are half full, so that nearly every search sees one. Which of the seven it
/// is, their tags say without a branch: no processor could guess it, and it would wait for the memory before it begins
/// the next search.
@safe
struct CacheTable: ~Copyable {
    private var lines: UnsafeMutablePointer<Line>
    /// One less than the number of lines, a power of two.
    private var mask: Int
    private var count = 0

    init() {
        mask = 3
        unsafe lines = Self.makeLines(4)
    }

    deinit {
        unsafe lines.deallocate()
    }

    private static func makeLines(_ count: Int) -> UnsafeMutablePointer<Line> {
        let bytes = count * MemoryLayout<Line>.stride
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        return unsafe memory.initializeMemory(as: Line.self, repeating: Line(), count: count)
    }

    /// The line where a search begins.
    @inline(__always)
    private func home(_ mixed: UInt) -> Int { Int(truncatingIfNeeded: mixed &>> 40) & mask }

    /// The cut of a key.
    @inline(__always)
    func find(_ key: CacheKey) -> CachedCut? {
        let mixed = key.mixed
        var number = home(mixed)
        // Ends: half of the rows is empty.
        while true {
            var matches = unsafe lines[number].matches(Line.tag(mixed))
            while matches != 0 {
                let cut = unsafe lines[number][matches.trailingZeroBitCount &>> 3]
                if cut.key == key { return cut }
                matches &= matches &- 1
            }
            if unsafe !lines[number].isFull { return nil }
            number = (number &+ 1) & mask
        }
    }

    /// Adds a key that is not there.
    mutating func insert(_ cut: CachedCut, _ key: CacheKey) {
        if 2 * (count + 1) > (mask + 1) * Line.capacity { grow() }
        place(cut, key.mixed)
        count += 1
    }

    private func place(_ cut: CachedCut, _ mixed: UInt) {
        var number = home(mixed)
        while unsafe lines[number].isFull { number = (number + 1) & mask }
        unsafe lines[number].append(cut, Line.tag(mixed))
    }

    private mutating func grow() {
        let (old, oldMask) = unsafe (lines, mask)
        mask = 2 * mask + 1
        unsafe lines = Self.makeLines(mask + 1)
        for number in 0...oldMask {
            for index in 0..<(unsafe old[number].count) {
                let cut = unsafe old[number][index]
                place(cut, cut.key.mixed)
            }
        }
        unsafe old.deallocate()
    }

    /// Removes a key, if it is there.
    mutating func remove(_ key: CacheKey) {
        var number = home(key.mixed)
        while true {
            for index in 0..<(unsafe lines[number].count) where unsafe lines[number][index].key == key {
                count -= 1
                return empty(number, index)
            }
            if unsafe !lines[number].isFull { return }
            number = (number + 1) & mask
        }
    }

    /// Empties a row and, where cuts were sent on past its line, takes one of them back in its stead.
    private func empty(_ number: Int, _ index: Int) {
        var hole = (line: number, index: index)
        while true {
            let wasFull = unsafe lines[hole.line].isFull
            unsafe lines[hole.line].remove(hole.index)
            guard wasFull, let next = successor(of: hole.line) else { return }
            let cut = unsafe lines[next.line][next.index]
            unsafe lines[hole.line].append(cut, Line.tag(cut.key.mixed))
            hole = next
        }
    }

    /// Where behind a line there is a cut that may as well be in it.
    private func successor(of hole: Int) -> (line: Int, index: Int)? {
        var number = hole
        repeat {
            number = (number + 1) & mask
            for index in 0..<(unsafe lines[number].count) {
                let home = unsafe home(lines[number][index].key.mixed)
                // Whether its home is not between the hole and it.
                if (number - home) & mask >= (number - hole) & mask { return (number, index) }
            }
        } while unsafe lines[number].isFull
        return nil
    }
}

extension CacheTable {
    /// Seven rows, taken from the first one on.
    fileprivate struct Line {
        /// A byte for each row, the first one lowest; zero in an empty row, and in the eighth, which does not exist.
        private var tags: UInt64 = 0
        private var cuts = InlineArray<7, CachedCut?>(repeating: nil)

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
        subscript(index: Int) -> CachedCut { unsafe cuts[unchecked: index].unsafelyUnwrapped }

        /// The highest bit of each row's byte whose tag this is, and perhaps of others', none of them empty.
        @inline(__always)
        func matches(_ tag: UInt8) -> UInt64 {
            let differences = tags ^ (UInt64(tag) &* 0x0101_0101_0101_0101)
            // Taking 1 from a byte sets its highest bit if it is zero; a byte above one that is zero may follow it.
            return (differences &- 0x0101_0101_0101_0101) & ~differences & 0x8080_8080_8080_8080
        }

        mutating func append(_ cut: CachedCut, _ tag: UInt8) {
            let index = count
            cuts[index] = cut
            tags |= UInt64(tag) << (8 * index)
        }

        /// Moves the last row to an index, and empties it.
        mutating func remove(_ index: Int) {
            let last = count - 1
            let tag = tags >> (8 * last)
            tags &= ~(0xFF << (8 * last))
            if index != last {
                cuts[index] = cuts[last]
                tags = tags & ~(0xFF << (8 * index)) | tag << (8 * index)
            }
            cuts[last] = nil
        }
    }
}
