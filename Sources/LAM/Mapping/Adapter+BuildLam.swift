import Glibc
import Tracking
import Verbs

extension Adapter {
    /// Maps memory for the adapter: `NdkBuildLam`.
    ///
    /// The memory is pinned, page by page, as far as `buffer` reaches; its contents and protection stay as they are.
    /// The buffer stays allocated until it is unpinned, also if nobody else keeps it.
    /// Where the pinned memory would exceed the adapter's budget or RLIMIT_MEMLOCK it waits a moment for mappings that
    /// were released, and is refused if that is of no help.
    /// - Parameters:
    ///   - buffer: the memory.
    ///   - access: what the adapter may do with it.
    ///   - file: where the mapping is built; reports of what is still alive name it.
    ///   - line: the line in that file.
    /// - Returns: the mapping.
    /// - Throws: a ``MappingError`` that says what was asked, the limit and what to do. Nothing stays pinned.
    /// - Complexity: one `ibv_reg_mr_iova`, which pins about 16 pages a microsecond and touches pages that were never
    ///   touched.
    public func buildLam(
        over buffer: PageBuffer, access: MemoryAccess = .readWrite, file: StaticString = #fileID, line: UInt = #line
    ) throws(MappingError) -> LogicalAddressMapping {
        try buildLam(
            MemoryChain(CollectionOfOne(buffer.descriptor), length: buffer.count), access, retaining: buffer,
            site: BuildSite(file: file, line: line))
    }

    /// Maps caller-owned memory for the adapter: `NdkBuildLam` with its chain of memory descriptors.
    ///
    /// The first `length` bytes of the chain must be one contiguous range of memory.
    /// - Parameters:
    ///   - descriptors: the chain.
    ///   - length: how many bytes to map; nil for all.
    ///   - access: what the adapter may do with them.
    ///   - file: where the mapping is built; reports of what is still alive name it.
    ///   - line: the line in that file.
    /// - Returns: the mapping.
    /// - Throws: a ``MappingError`` that says what was asked, the limit and what to do. Nothing stays pinned.
    /// - Warning: The memory must stay mapped in the process until the mapping is *unpinned*; use ``LogicalAddressMapping/released()`` or
    ///   ``LogicalAddressMapping/tryRelease()`` before freeing it. Unmapping it earlier leaves the adapter with pages
    ///   that nobody sees.
    @unsafe
    public func buildLam(
        _ descriptors: [MemoryDescriptor], length: Int? = nil, access: MemoryAccess = .readWrite,
        file: StaticString = #fileID, line: UInt = #line
    ) throws(MappingError) -> LogicalAddressMapping {
        let built = try build(
            descriptors, length: length, on: RegistrationTerms(access: access), retaining: nil,
            site: BuildSite(file: file, line: line))
        return LogicalAddressMapping(built.registration, at: built.place, of: self)
    }

    /// Maps memory that was found to be one range, and keeps `owner` until it is unpinned.
    func buildLam(
        _ chain: MemoryChain, _ access: MemoryAccess, retaining owner: (any AnyObject & Sendable)?, site: BuildSite
    ) throws(MappingError) -> LogicalAddressMapping {
        let built = try build(chain, on: RegistrationTerms(access: access), retaining: owner, site: site)
        return LogicalAddressMapping(built.registration, at: built.place, of: self)
    }

    /// Registers the first bytes of a chain, all of them if `length` is nil.
    func build(
        _ descriptors: [MemoryDescriptor], length: Int?, on terms: RegistrationTerms,
        retaining owner: (any AnyObject & Sendable)?, site: BuildSite
    ) throws(MappingError) -> (registration: Registration, place: MappingPlace) {
        // A sum beyond Int.max cannot be mapped, whether it is contiguous or not.
        let length = length ?? descriptors.reduce(0) { $0 + min($1.length, .max - $0) }
        return try build(MemoryChain(descriptors, length: length), on: terms, retaining: owner, site: site)
    }

    private func build(
        _ chain: MemoryChain, on terms: RegistrationTerms, retaining owner: (any AnyObject & Sendable)?, site: BuildSite
    ) throws(MappingError) -> (registration: Registration, place: MappingPlace) {
        let limit = min(info.maxRegistrationSize, MappingTable.longestMapping)
        guard UInt64(chain.length) <= limit else {
            throw .tooLong(asked: chain.length, limit: Int(limit))
        }
        // The privileged token's registration is one of the device's, too.
        return try core.build(
            chain, on: terms, retaining: owner, site: site, atMost: info.maxRegistrations - 1, hurrying: reaper)
    }
}

extension MappingError {
    /// Why a registration failed, found out after the fact: the verb says no more than an `errno` value.
    init(_ error: VerbError, registering memory: MemoryDescriptor, for access: MemoryAccess) {
        let span = PageSpan(address: memory.address, length: memory.length)
        let chain = try? MemoryChain(CollectionOfOne(memory), length: memory.length)
        let fault =
            error.code == EFAULT ? chain.flatMap { MemoryFault.diagnose($0, writable: access == .readWrite) } : nil
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
