import Synchronization

/// Where one thread finds the registrations that it used before.
@safe
struct CacheShard: ~Copyable {
    private let table: UnsafeMutablePointer<CacheTable<CachedCut>>
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

    func insert(_ first: CachedCut) {
        unsafe table.pointee.insert(first)
    }

    func remove(_ key: CacheKey) {
        unsafe table.pointee.remove(key)
    }
}
