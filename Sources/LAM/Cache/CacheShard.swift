import Synchronization

/// Where one thread finds the registrations that it used before.
@safe
struct CacheShard: ~Copyable {
    private let table: UnsafeMutablePointer<CacheTable>
    /// Written by the thread alone.
    private let hits = Atomic<Int>(0)

    init() {
        unsafe table = .allocate(capacity: 1)
        unsafe table.initialize(to: CacheTable())
    }

    deinit {
        unsafe table.deinitialize(count: 1)
        unsafe table.deallocate()
    }

    /// How often the thread found one.
    var hitCount: Int { hits.load(ordering: .relaxed) }

    @inline(__always)
    func countHit() {
        hits.store(hits.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }

    /// The thread's first cut of a registration, for whoever is inside.
    @inline(__always)
    func find(_ key: CacheKey) -> CachedCut? {
        unsafe table.pointee.find(key)
    }

    func insert(_ first: CachedCut, _ key: CacheKey) {
        unsafe table.pointee.insert(first, key)
    }

    func remove(_ key: CacheKey) {
        unsafe table.pointee.remove(key)
    }
}

/// Keys with what they stand for, in rows: a row that is taken already sends on to the next.
@safe
struct CacheTable: ~Copyable {
    private var rows: UnsafeMutablePointer<Row>
    private var mask = 15
    private var count = 0

    private struct Row {
        var key: CacheKey
        var value: CachedCut
    }

    init() {
        unsafe rows = Self.makeRows(16)
    }

    deinit {
        unsafe rows.deallocate()
    }

    /// An empty row has the extent zero; the rest of it has no meaning.
    private static func makeRows(_ count: Int) -> UnsafeMutablePointer<Row> {
        let bytes = count * MemoryLayout<Row>.stride
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        return unsafe memory.assumingMemoryBound(to: Row.self)
    }

    @inline(__always)
    private func isEmpty(_ index: Int) -> Bool { unsafe rows[index].key.extent == 0 }

    @inline(__always)
    func find(_ key: CacheKey) -> CachedCut? {
        var index = key.row(mask)
        // Ends: at least a quarter of the rows is empty.
        while true {
            if unsafe rows[index].key == key { return unsafe rows[index].value }
            if isEmpty(index) { return nil }
            index = (index &+ 1) & mask
        }
    }

    /// Adds a key that is not there.
    mutating func insert(_ value: CachedCut, _ key: CacheKey) {
        if 4 * (count + 1) > 3 * (mask + 1) { grow() }
        place(value, key)
        count += 1
    }

    private func place(_ value: CachedCut, _ key: CacheKey) {
        var index = key.row(mask)
        while !isEmpty(index) { index = (index + 1) & mask }
        unsafe rows[index] = Row(key: key, value: value)
    }

    private mutating func grow() {
        let (old, oldMask) = unsafe (rows, mask)
        mask = 2 * mask + 1
        unsafe rows = Self.makeRows(mask + 1)
        for index in 0...oldMask where unsafe old[index].key.extent != 0 {
            unsafe place(old[index].value, old[index].key)
        }
        unsafe old.deallocate()
    }

    /// Removes a key, if it is there, and moves those up that were sent on past it.
    mutating func remove(_ key: CacheKey) {
        var hole = key.row(mask)
        while unsafe rows[hole].key != key {
            if isEmpty(hole) { return }
            hole = (hole + 1) & mask
        }
        count -= 1
        var index = (hole + 1) & mask
        while !isEmpty(index) {
            let home = unsafe rows[index].key.row(mask)
            // Whether its home is not between the hole and it.
            if (index - home) & mask >= (index - hole) & mask {
                unsafe rows[hole] = unsafe rows[index]
                hole = index
            }
            index = (index + 1) & mask
        }
        unsafe rows[hole].key = CacheKey.none
    }
}
