import Tracking
import Verbs

extension MemoryRegion {
    /// Registers memory: `NdkRegisterMr`.
    ///
    /// The region begins at the memory's own address. Remote rights are those of every peer of the adapter that knows the
    /// remote token; ``LogicalAddressMapping/grant(_:bytes:to:lasting:)`` is for one peer. The buffer stays allocated until
    /// it is unpinned, also if nobody else keeps it.
    /// - Parameters:
    ///   - buffer: the memory.
    ///   - access: what may be done with it.
    ///   - file: where it is registered; reports of what is still alive name it.
    ///   - line: the line in that file.
    /// - Throws: ``RegionError/memory(_:)`` with what was asked, the limit and what to do, ``RegionError/alreadyRegistered``,
    ///   ``RegionError/onlyFastRegisters``. Nothing stays pinned.
    /// - Complexity: one `ibv_reg_mr`, as with ``Adapter/buildLam(over:access:file:line:)``.
    public mutating func register(
        over buffer: PageBuffer, access: RegionAccess, file: StaticString = #fileID, line: UInt = #line
    ) throws(RegionError) {
        try register([buffer.descriptor], nil, access, retaining: buffer, site: BuildSite(file: file, line: line))
    }

    /// Registers caller-owned memory: `NdkRegisterMr` with its chain of memory descriptors.
    ///
    /// - Parameters:
    ///   - descriptors: the chain, of which the first `length` bytes must be one contiguous range.
    ///   - length: how many bytes to register; nil for all.
    ///   - access: what may be done with them.
    ///   - file: where it is registered; reports of what is still alive name it.
    ///   - line: the line in that file.
    /// - Throws: as the other form.
    /// - Warning: The memory must stay mapped in the process until ``deregister()`` has returned.
    @unsafe
    public mutating func register(
        _ descriptors: [MemoryDescriptor], length: Int? = nil, access: RegionAccess, file: StaticString = #fileID,
        line: UInt = #line
    ) throws(RegionError) {
        try register(descriptors, length, access, retaining: nil, site: BuildSite(file: file, line: line))
    }

    private mutating func register(
        _ descriptors: [MemoryDescriptor], _ length: Int?, _ access: RegionAccess,
        retaining owner: (any AnyObject & Sendable)?, site: BuildSite
    ) throws(RegionError) {
        guard kind == .registered else { throw .onlyFastRegisters }
        guard registration == nil else { throw .alreadyRegistered }
        let terms = RegistrationTerms(
            access: access.local, remote: access.remote, triesWindows: core.adapter.info.hasWindows,
            isAtMemoryAddress: true)
        let built: (registration: Registration, place: MappingPlace)
        do throws(MappingError) {
            built = try core.adapter.build(descriptors, length: length, on: terms, retaining: owner, site: site)
        } catch {
            throw .memory(error)
        }
        built.registration.become(mappingOf: core.adapter)
        registration = built.registration
        self.access = access
        core.adapter.core.regions.assign(
            RegionBytes(
                address: built.place.base, length: built.place.length, logicalAddress: built.place.address,
                isWritable: access.local == .readWrite),
            to: localToken)
    }

    /// Unpins the memory: `NdkDeregisterMr`. A peer's access ends with it.
    ///
    /// - Throws: ``RegionError/inUse(_:)`` while a window is bound over the region, or a request names it: the region is
    ///   as it was. ``RegionError/notRegistered``; ``RegionError/onlyFastRegisters`` for what a request registered, and a
    ///   request invalidates; ``RegionError/verbFailed(verb:errno:)`` where the device refuses.
    /// - Complexity: one `membarrier(2)` and one `ibv_dereg_mr`.
    public mutating func deregister() throws(RegionError) {
        guard kind == .registered else { throw .onlyFastRegisters }
        guard let registration else { throw .notRegistered }
        switch registration.releaseIfIdle() {
        case .released:
            core.adapter.core.regions.clear(localToken)
            self.registration = nil
        case .inUse(let use):
            throw .inUse(use)
        case .refused(let error):
            throw .verbFailed(verb: error.verb.description, errno: error.code)
        }
    }

    /// Says what fast registrations may have: `NdkInitializeFastRegisterMr`. It may be said anew at any time.
    ///
    /// - Parameters:
    ///   - pageCount: the most pages of one registration.
    ///   - remoteAccess: whether it may give a peer rights.
    /// - Throws: ``RegionError/pageCount(asked:limit:)``, ``RegionError/neverFastRegisters``.
    /// - Complexity: O(1); nothing is registered, and no verb called.
    public mutating func initializeFastRegister(pageCount: Int, remoteAccess: Bool) throws(RegionError) {
        guard kind == .fastRegistered else { throw .neverFastRegisters }
        let limit = core.adapter.info.maxFastRegisterPages
        guard 1...limit ~= pageCount else { throw .pageCount(asked: pageCount, limit: limit) }
        fastTerms = FastTerms(pageCount: pageCount, allowsRemoteAccess: remoteAccess)
    }
}

extension AdapterInfo {
    /// The most pages of a fast registration: those of the longest mapping.
    public var maxFastRegisterPages: Int {
        Int(min(maxRegistrationSize, MappingTable.longestMapping)) / PageSpan.hostPageSize
    }
}
