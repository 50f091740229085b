import Glibc
import Synchronization
import Tracking
import Verbs

extension Adapter {
    /// Maps memory for the adapter: `NdkBuildLam`.
    ///
    /// The memory is pinned, page by page, as far as `buffer` reaches; its contents and protection stay as they are.
    /// The buffer stays allocated until it is unpinned, also if nobody else keeps it.
    /// Where the pinned memory would exceed the adapter's budget or RLIMIT_MEMLOCK it waits a moment for mappings that
    /// were released, and is refused if that is of no help.
    /// - Complexity: one `ibv_reg_mr_iova`, which pins about 16 pages a microsecond and touches pages that were never
    ///   touched.
    public func buildLam(
        over buffer: PageBuffer, file: StaticString = #fileID, line: UInt = #line
    ) throws(MappingError) -> LogicalAddressMapping {
        try buildLam(
            MemoryChain(CollectionOfOne(buffer.descriptor), length: buffer.count), retaining: buffer,
            site: BuildSite(file: file, line: line))
    }

    /// Maps caller-owned memory for the adapter: `NdkBuildLam` with its chain of memory descriptors.
    ///
    /// The first `length` bytes of the chain must be one contiguous range of memory.
    /// - Parameters:
    ///   - descriptors: the chain.
    ///   - length: how many bytes to map; nil for all.
    ///   - file: where the mapping is built; reports of what is still alive name it.
    ///   - line: the line in that file.
    /// - Returns: the mapping.
    /// - Throws: a ``MappingError`` that says what was asked, the limit and what to do. Nothing stays pinned.
    /// - Warning: The memory must stay mapped in the process until the mapping is *unpinned*; use ``LogicalAddressMapping/released()`` or
    ///   ``LogicalAddressMapping/tryRelease()`` before freeing it. Unmapping it earlier leaves the adapter with pages
    ///   that nobody sees.
    @unsafe
    public func buildLam(
        _ descriptors: [MemoryDescriptor], length: Int? = nil, file: StaticString = #fileID, line: UInt = #line
    ) throws(MappingError) -> LogicalAddressMapping {
        // A sum beyond Int.max cannot be mapped, whether it is contiguous or not.
        let length = length ?? descriptors.reduce(0) { $0 + min($1.length, .max - $0) }
        return try buildLam(
            MemoryChain(descriptors, length: length), retaining: nil, site: BuildSite(file: file, line: line))
    }

    private func buildLam(
        _ chain: MemoryChain, retaining owner: (any AnyObject & Sendable)?, site: BuildSite
    ) throws(MappingError) -> LogicalAddressMapping {
        let limit = min(info.maxRegistrationSize, MappingTable.longestMapping)
        guard UInt64(chain.length) <= limit else {
            throw .tooLong(asked: chain.length, limit: Int(limit))
        }
        let pinnedBytes = PageSpan(address: chain.address, length: chain.length).pinnedBytes
        var backPressure = BackPressure(self)
        try admit(pinnedBytes, &backPressure)
        guard let place = core.mappings.reserve(memory: UInt64(chain.address), length: UInt64(chain.length)) else {
            withdraw(pinnedBytes)
            throw .tooManyMappings(limit: MappingTable.capacity)
        }
        do {
            let region = try register(chain, at: place.base, &backPressure)
            return publish(region, chain, at: place, retaining: owner, site: site)
        } catch {
            core.mappings.cancel(place.id)
            withdraw(pinnedBytes)
            throw error
        }
    }

    /// Begins a build: takes its bytes from the budget, and has a close wait for it.
    private func admit(_ pinnedBytes: Int, _ backPressure: inout BackPressure) throws(MappingError) {
        // The privileged token's registration is one of the device's, too.
        switch core.children.withLock({ $0.beginBuild(atMost: info.maxRegistrations - 1) }) {
        case .admitted: break
        case .closing: throw .closed
        case .full: throw .tooManyMappings(limit: info.maxRegistrations)
        }
        while case let seen = backPressure.releases, !core.budget.claim(pinnedBytes) {
            guard backPressure.releaseHappens(after: seen) else {
                core.childGone { $0.cancelBuild() }
                throw .overBudget(core.budget.report(asked: pinnedBytes))
            }
        }
    }

    /// Ends a build that came to nothing.
    private func withdraw(_ pinnedBytes: Int) {
        core.budget.giveBack(pinnedBytes)
        core.childGone { $0.cancelBuild() }
    }

    private func register(
        _ chain: MemoryChain, at base: UInt64, _ backPressure: inout BackPressure
    ) throws(MappingError) -> MemoryRegion {
        while true {
            let seen = backPressure.releases
            do throws(VerbError) {
                return try unsafe MemoryRegion(
                    registering: UnsafeMutableRawBufferPointer(
                        start: UnsafeMutableRawPointer(bitPattern: chain.address), count: chain.length),
                    at: base, rights: Self.rights, in: core.domain)
            } catch {
                // RLIMIT_MEMLOCK, or the device is full: a release helps in both cases.
                guard error.code == ENOMEM, backPressure.releaseHappens(after: seen) else {
                    throw MappingError(error, registering: chain)
                }
            }
        }
    }

    /// None for a peer. Put together by hand, because the literal of a set is made anew each time, by unspecialized code.
    private static let rights = AccessRights(
        rawValue: AccessRights.localWrite.rawValue | AccessRights.bindWindows.rawValue)

    private func publish(
        _ region: consuming MemoryRegion, _ chain: MemoryChain, at place: (id: MappingID, base: UInt64),
        retaining owner: (any AnyObject & Sendable)?, site: BuildSite
    ) -> LogicalAddressMapping {
        let key = region.localKey
        let memory = MemoryDescriptor(address: chain.address, length: chain.length)
        let registration = Registration(
            id: place.id, base: LogicalAddress(rawValue: place.base), memory: memory, site: site, retaining: owner,
            region: region)
        core.children.withLock { $0.add(registration) }
        core.counters.builds.add(1, ordering: .relaxed)
        let live = core.mappings.publish(place.id, length: UInt64(memory.length), key: key)
        return LogicalAddressMapping(registration, at: live, of: self)
    }
}

extension MappingError {
    /// Why a registration failed, found out after the fact: the verb says no more than an `errno` value.
    fileprivate init(_ error: VerbError, registering chain: MemoryChain) {
        let span = PageSpan(address: chain.address, length: chain.length)
        let fault = error.code == EFAULT ? MemoryFault.diagnose(chain, writable: true) : nil
        let cause =
            fault
            ?? PinLimitReport.diagnose(askedBytes: span.pinnedBytes, errno: error.code).map(Self.pinLimit)
        self = cause ?? .verbFailed(verb: error.verb.description, errno: error.code)
    }

    /// Why a deregistration failed.
    init(deregistration error: VerbError) {
        self = .verbFailed(verb: error.verb.description, errno: error.code)
    }
}
