/// What all threads share of a cache: which registrations there are.
struct CacheIndex {
    /// A registration, or that one is under way.
    enum Place {
        case registering
        case ready(CacheEntry)
    }

    private(set) var places: [CacheKey: Place] = [:]
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

    var isEmpty: Bool { places.isEmpty && leaving.isEmpty }

    /// The registrations that can be found.
    var entries: [CacheEntry] {
        places.values.compactMap { if case .ready(let entry) = $0 { entry } else { nil } }
    }

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

    /// Has whoever asks for the key wait.
    mutating func begin(_ key: CacheKey) { places[key] = .registering }

    /// Ends the wait; the registration failed.
    mutating func cancel(_ key: CacheKey) { places[key] = nil }

    mutating func insert(_ entry: CacheEntry) {
        places[entry.key] = .ready(entry)
        missCount += 1
    }

    /// Has nobody find the registration any more.
    mutating func beginLeaving(_ entry: CacheEntry) {
        places[entry.key] = nil
        leaving[ObjectIdentifier(entry)] = entry
    }

    /// Forgets one that is unpinned.
    mutating func finish(_ name: ObjectIdentifier) -> CacheEntry {
        let entry = leaving.removeValue(forKey: name)!
        claimedBytes -= entry.registration.pinnedBytes
        return entry
    }

    /// Those that overlap `memory`, are not to be found any more, and are still pinned.
    func leaving(overlapping memory: Range<UInt>) -> [CacheEntry] {
        leaving.values.filter { $0.overlaps(memory) }
    }
}
