/// How much a registration cache may keep, and for how long.
public struct CacheOptions: Hashable, Sendable {
    /// How many bytes cached registrations may pin, in whole pages, used or not.
    ///
    /// The adapter's own ``AdapterOptions/pinBudget`` holds besides.
    public var limitBytes: Int

    /// How long a registration stays pinned that nobody makes a mapping of; it is unpinned before half as much again.
    public var idleLimit: Duration

    /// Decides.
    ///
    /// - Parameters:
    ///   - limitBytes: bytes, at least one page.
    ///   - idleLimit: at least a millisecond.
    public init(limitBytes: Int, idleLimit: Duration = .seconds(1)) {
        self.limitBytes = limitBytes
        self.idleLimit = idleLimit
    }
}

/// What a registration cache has done so far, and what it has; a snapshot.
public struct CacheStatistics: Hashable, Sendable {
    /// Mappings of registrations that were there.
    public let hits: Int
    /// Registrations made.
    public let misses: Int
    /// Mappings built without the cache, because they were too long or there was no room.
    public let bypasses: Int
    /// Registrations given up because they were idle, or to make room.
    public let evictions: Int
    /// Registrations that are pinned.
    public let registrations: Int
    /// Bytes that they pin, or are about to.
    public let pinnedBytes: Int
}
