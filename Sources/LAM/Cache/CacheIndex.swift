/// What all threads share of a cache: which registrations there are.
struct CacheIndex: ~Copyable {
    /// Those that can be found, the ones included that are being made.
    private var found = CacheTable<Found>()
    /// What the cuts of all threads are kept in.
    var records = CachedCut.Records()
    /// Those that are not to be found any more and still pinned.
    private var leaving: [ObjectIdentifier: CacheEntry] = [:]
    /// Bytes that are pinned by cached registrations, about to be, or not unpinned yet.
    private(set) var claimedBytes = 0
    /// Registrations made.
    private(set) var missCount = 0
    /// Mappings built without the cache, because it had no room.
    private(set) var bypassCount = 0
    /// Registrations given up to make room, or because they were idle.
    private(set) var evictionCount = 0
    /// Hits of threads that had not used the registration before.
    private(set) var firstHitCount = 0
    /// No mapping is made any more.
    var isClosing = false
    /// Whether somebody waits for a registration to be made, or not to be made after all.
    private var isAwaited = false

    /// Whether nothing can be found, nor is being made.
    var findsNothing: Bool { found.count == 0 }
    var isEmpty: Bool { findsNothing && leaving.isEmpty }

    /// The registrations that can be found, and are made.
    var entries: [CacheEntry] {
        var ready: [CacheEntry] = []
        found.forEach { if $0.entry.isReady { ready.append($0.entry) } }
        return ready
    }

    /// The registration that has a key, made or not.
    func find(_ key: CacheKey) -> CacheEntry? { found.find(key)?.entry }

    /// All that are pinned.
    var all: [CacheEntry] { entries + leaving.values }

    mutating func countBypass() { bypassCount += 1 }
    mutating func countFirstHit() { firstHitCount += 1 }
    mutating func countEvictions(_ count: Int) { evictionCount += count }

    /// Claims room for a registration that is to be made.
    ///
    /// - Returns: false if that is over the limit.
    mutating func claim(_ bytes: Int, limit: Int) -> Bool {
        guard bytes <= limit - claimedBytes else { return false }
        claimedBytes += bytes
        return true
    }

    mutating func unclaim(_ bytes: Int) { claimedBytes -= bytes }

    /// Has whoever asks for the memory wait for a registration that is to be made.
    mutating func begin(_ entry: CacheEntry) { found.insert(Found(keeping: entry)) }

    /// Notes that the caller waits until one is finished or cancelled.
    mutating func noteWait() { isAwaited = true }

    /// Whether somebody is to be woken, now that one is finished or cancelled: a miss makes no system call for nobody.
    mutating func takeWait() -> Bool {
        defer { isAwaited = false }
        return isAwaited
    }

    /// Ends the wait; the registration failed.
    mutating func cancel(_ entry: CacheEntry) { stopFinding(entry) }

    /// Ends the wait; the registration is made.
    mutating func finish(_ entry: CacheEntry) {
        entry.becomeReady()
        missCount += 1
    }

    /// Has nobody find the registration any more.
    mutating func beginLeaving(_ entry: CacheEntry) {
        stopFinding(entry)
        leaving[ObjectIdentifier(entry)] = entry
    }

    private mutating func stopFinding(_ entry: CacheEntry) {
        let kept = found.find(entry.key)
        found.remove(entry.key)
        kept?.letGo()
    }

    /// Forgets one that is unpinned.
    mutating func forget(_ name: ObjectIdentifier) -> CacheEntry {
        let entry = leaving.removeValue(forKey: name)!
        claimedBytes -= entry.registration.pinnedBytes
        return entry
    }

    /// Those that overlap `memory`, are not to be found any more, and are still pinned.
    func leaving(overlapping memory: Range<UInt>) -> [CacheEntry] {
        leaving.values.filter { $0.overlaps(memory) }
    }
}

extension CacheIndex {
    /// A registration in the table, which is kept until it is let go.
    @safe
    private struct Found: CacheKeyed {
        private let reference: Unmanaged<CacheEntry>

        init(keeping entry: CacheEntry) {
            unsafe reference = .passRetained(entry)
        }

        init(_ pointer: UnsafeMutableRawPointer) {
            unsafe reference = .fromOpaque(pointer)
        }

        func letGo() {
            unsafe reference.release()
        }

        var entry: CacheEntry { unsafe reference.takeUnretainedValue() }
        var key: CacheKey { unsafe reference._withUnsafeGuaranteedRef { $0.key } }
        var pointer: UnsafeMutableRawPointer { unsafe reference.toOpaque() }
    }
}
