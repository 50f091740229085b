import Verbs

/// Registrations that outlive their mappings, so that the next mapping of the same memory costs no registration.
///
/// A cache is for memory that is mapped again and again and cannot come from an ``Arena``. It keeps what it registered,
/// and makes a mapping of it when the same memory is to be mapped with the same rights. Such a mapping is a
/// ``LogicalAddressMapping`` like any other, with logical addresses of its own, which nothing answers to when it is
/// released; what its release does not do is to unpin the memory.
///
/// What is cached is pinned although nobody uses it, within two bounds: ``CacheOptions/limitBytes`` and
/// ``CacheOptions/idleLimit``. It goes earlier when the adapter's budget, RLIMIT_MEMLOCK or the device leaves no room for
/// a build. No registration goes while a request or a window uses it.
///
/// ```swift
/// let cache = try adapter.createCache(CacheOptions(limitBytes: 256 << 20))
/// let mapping = try cache.buildLam(over: buffer)
/// try queuePair.send(mapping, 0..<4096)
/// mapping.release()
/// ```
///
/// Any number of threads may use a cache; two of them that find registrations wait for each other only while one is
/// evicted. A cache is an object of its adapter, which does not close before the cache is closed.
public final class RegistrationCache: Sendable {
    @usableFromInline let core: CacheCore

    init(_ core: CacheCore) {
        self.core = core
    }

    deinit {
        core.close()
    }

    /// Maps memory for the adapter, like ``Adapter/buildLam(over:access:file:line:)``.
    ///
    /// The cache keeps the buffer as long as its registration: a buffer cannot be unmapped, and its addresses cannot be
    /// another buffer's, while it is cached.
    /// - Parameters:
    ///   - buffer: the memory.
    ///   - access: what the adapter may do with it.
    ///   - file: where the mapping is built; reports of what is still alive name it.
    ///   - line: the line in that file.
    /// - Returns: the mapping.
    /// - Throws: what ``Adapter/buildLam(over:access:file:line:)`` throws. A cache that is full is no error: the mapping is
    ///   then built without it.
    /// - Complexity: some stores if the calling thread has used the registration before, one lock more if only others have;
    ///   otherwise an `ibv_reg_mr_iova`, during which nothing is locked.
    @inlinable @inline(__always)
    public func buildLam(
        over buffer: PageBuffer, access: MemoryAccess = .readWrite, file: StaticString = #fileID, line: UInt = #line
    ) throws(MappingError) -> LogicalAddressMapping {
        try core.build(buffer, access, site: BuildSite(file: file, line: line))
    }

    /// Maps caller-owned memory for the adapter, which must be forgotten before it is unmapped.
    ///
    /// - Parameters:
    ///   - memory: the memory.
    ///   - access: what the adapter may do with it.
    ///   - file: where the mapping is built; reports of what is still alive name it.
    ///   - line: the line in that file.
    /// - Returns: the mapping.
    /// - Throws: what ``Adapter/buildLam(_:length:access:file:line:)`` throws.
    /// - Warning: The memory stays pinned after the mapping is released. Before it is unmapped, moved, replaced or
    ///   discarded (`munmap`, `mremap`, `MAP_FIXED`, `MADV_DONTNEED`, `free`), call ``forget(_:)`` or ``forgotten(_:)``. A
    ///   mapping of what is at the same addresses afterwards would otherwise be one of the *former* memory: the adapter
    ///   would read and write pages that nobody sees. Nothing detects that (T29).
    @inlinable @inline(__always) @unsafe
    public func buildLam(
        over memory: MemoryDescriptor, access: MemoryAccess = .readWrite, file: StaticString = #fileID,
        line: UInt = #line
    ) throws(MappingError) -> LogicalAddressMapping {
        try core.build(memory, access, site: BuildSite(file: file, line: line))
    }

    /// Has no later mapping be one of what is registered now of `memory`, and unpins it when nothing uses it.
    ///
    /// Returns at once; live mappings stay valid.
    /// - Parameter memory: a range; every registration that has a byte of it is meant.
    /// - Returns: whether none of it is pinned by the cache any more, so that it may be unmapped.
    /// - Complexity: one `membarrier(2)`, and one `ibv_dereg_mr` for each registration that nothing uses.
    @discardableResult
    public func forget(_ memory: MemoryDescriptor) -> Bool {
        core.forget(memory)
    }

    /// The same, and suspends until none of it is pinned by the cache.
    ///
    /// Like ``LogicalAddressMapping/released()`` it does not depend on anybody polling, and it waits for mappings of the
    /// memory to be released.
    /// - Parameter memory: a range; every registration that has a byte of it is meant.
    public func forgotten(_ memory: MemoryDescriptor) async {
        await core.forgotten(memory)
    }

    /// Unpins registrations that nothing uses, those that were not used for longest first, until no more than `bytes`
    /// bytes are pinned.
    ///
    /// - Parameter bytes: how many bytes may stay.
    /// - Returns: how many bytes were unpinned.
    /// - Complexity: one `membarrier(2)`, and one `ibv_dereg_mr` for each registration, on the calling thread.
    @discardableResult
    public func trim(toBytes bytes: Int = 0) -> Int {
        let excess = statistics.pinnedBytes - bytes
        return excess > 0 ? core.evict(bytes: excess) : 0
    }

    /// Makes no more mappings, and unpins what is cached as the last mappings of it are released.
    ///
    /// Returns at once; mappings stay valid. Dropping the cache does the same.
    public func close() {
        core.close()
    }

    /// What the cache has done so far.
    public var statistics: CacheStatistics { core.statistics }
}

extension Adapter {
    /// Creates a registration cache, which pins nothing yet.
    ///
    /// - Parameters:
    ///   - options: how much it may keep.
    ///   - file: where the cache is created; reports of what is still alive name it.
    ///   - line: the line in that file.
    /// - Returns: the cache.
    /// - Throws: ``AdapterError/closed``, or ``AdapterError/verbFailed(verb:errno:)`` where no thread can be started.
    public func createCache(
        _ options: CacheOptions, file: StaticString = #fileID, line: UInt = #line
    ) throws(AdapterError) -> RegistrationCache {
        let cache = CacheCore(adapter: self, options: options, site: BuildSite(file: file, line: line))
        let isOpen = core.children.withLock { children in
            if !children.isClosing { children.caches[ObjectIdentifier(cache)] = cache }
            return !children.isClosing
        }
        guard isOpen else { throw .closed }
        do throws(VerbError) { try CacheJanitor.start(cache) } catch {
            cache.close()
            throw AdapterError(error)
        }
        return RegistrationCache(cache)
    }
}
