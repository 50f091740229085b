/// What a `CacheTable` holds: something with a key that a pointer leads to. The table keeps nothing alive.
protocol CacheKeyed {
    init(_ pointer: UnsafeMutableRawPointer)
    var pointer: UnsafeMutableRawPointer { get }
    var key: CacheKey { get }
}

/// Finds what has a key.
///
/// Values lie in lines of seven, each of which is one cache line. A value is in the line that its key is mixed to or,
/// where that was full, in one of the next; lines are half full, so that nearly every search sees one. Which of the seven
/// it is, their tags say without a branch: no processor could guess it, and it would wait for the memory before it
/// begins the next search.
@safe
struct CacheTable<Value: CacheKeyed>: ~Copyable {
    private var lines: UnsafeMutablePointer<CacheLine>
    /// One less than the number of lines, a power of two.
    private var mask: Int
    private(set) var count = 0

    init() {
        mask = 3
        unsafe lines = Self.makeLines(4)
    }

    deinit {
        unsafe lines.deallocate()
    }

    private static func makeLines(_ count: Int) -> UnsafeMutablePointer<CacheLine> {
        let bytes = count * MemoryLayout<CacheLine>.stride
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        return unsafe memory.initializeMemory(as: CacheLine.self, repeating: CacheLine(), count: count)
    }

    /// The line where a search begins.
    @inline(__always)
    private func home(_ mixed: UInt) -> Int { Int(truncatingIfNeeded: mixed &>> 40) & mask }

    /// The value that has a key.
    @inline(__always)
    func find(_ key: CacheKey) -> Value? {
        let mixed = key.mixed
        var number = home(mixed)
        // Ends: half of the rows is empty.
        while true {
            var matches = unsafe lines[number].matches(CacheLine.tag(mixed))
            while matches != 0 {
                let value = unsafe Value(lines[number][matches.trailingZeroBitCount &>> 3])
                if value.key == key { return value }
                matches &= matches &- 1
            }
            if unsafe !lines[number].isFull { return nil }
            number = (number &+ 1) & mask
        }
    }

    /// Shows every value.
    func forEach(_ body: (Value) -> Void) {
        for number in 0...mask {
            for index in 0..<(unsafe lines[number].count) { body(unsafe Value(lines[number][index])) }
        }
    }

    /// Adds a value whose key is not there.
    mutating func insert(_ value: Value) {
        if 2 * (count + 1) > (mask + 1) * CacheLine.capacity { grow() }
        place(value)
        count += 1
    }

    private func place(_ value: Value) {
        let mixed = value.key.mixed
        var number = home(mixed)
        while unsafe lines[number].isFull { number = (number + 1) & mask }
        unsafe lines[number].append(value.pointer, CacheLine.tag(mixed))
    }

    private mutating func grow() {
        let (old, oldMask) = unsafe (lines, mask)
        mask = 2 * mask + 1
        unsafe lines = Self.makeLines(mask + 1)
        for number in 0...oldMask {
            for index in 0..<(unsafe old[number].count) { place(unsafe Value(old[number][index])) }
        }
        unsafe old.deallocate()
    }

    /// Removes a key, if it is there.
    mutating func remove(_ key: CacheKey) {
        var number = home(key.mixed)
        while true {
            for index in 0..<(unsafe lines[number].count) where unsafe Value(lines[number][index]).key == key {
                count -= 1
                return empty(number, index)
            }
            if unsafe !lines[number].isFull { return }
            number = (number + 1) & mask
        }
    }

    /// Empties a row and, where values were sent on past its line, takes one of them back in its stead.
    private func empty(_ number: Int, _ index: Int) {
        var hole = (line: number, index: index)
        while true {
            let wasFull = unsafe lines[hole.line].isFull
            unsafe lines[hole.line].remove(hole.index)
            guard wasFull, let next = successor(of: hole.line) else { return }
            let value = unsafe Value(lines[next.line][next.index])
            unsafe lines[hole.line].append(value.pointer, CacheLine.tag(value.key.mixed))
            hole = next
        }
    }

    /// Where behind a line there is a value that may as well be in it.
    private func successor(of hole: Int) -> (line: Int, index: Int)? {
        var number = hole
        repeat {
            number = (number + 1) & mask
            for index in 0..<(unsafe lines[number].count) {
                let home = unsafe home(Value(lines[number][index]).key.mixed)
                // Whether its home is not between the hole and it.
                if (number - home) & mask >= (number - hole) & mask { return (number, index) }
            }
        } while unsafe lines[number].isFull
        return nil
    }
}
