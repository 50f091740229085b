import Tracking
import Verbs

extension QueuePair {
    /// Registers pages of a mapping: `NdkFastRegister`.
    ///
    /// Ordered with what is posted before and after it on this queue pair; a message posted next may tell the peer what to
    /// name. The mapping is in use from now on until the region is invalidated, dropped, or its queue pair ended.
    ///
    /// Where the base is the mapping's own address, and the device keeps a peer within it, this binds a window. Otherwise
    /// the bytes are registered anew with that base, which pins them a second time, and a window is bound over all of that.
    /// A device without windows registers only, and its token is good for every peer of the adapter. Without remote rights
    /// there is nothing to do for the device.
    /// - Parameters:
    ///   - region: of kind ``MemoryRegion/Kind/fastRegistered``, initialized, and not registered.
    ///   - pages: consecutive pages of one mapping, such as ``LogicalAddressMapping/pages``.
    ///   - firstByteOffset: where the region begins in the first page.
    ///   - length: bytes of the region, all of them mapped.
    ///   - baseAddress: the address that the first byte is to have for the peer and in elements with the region's token:
    ///     the offset and any number of pages.
    ///   - access: what may be done with the bytes.
    ///   - context: given back with the completion.
    ///   - flags: how it is carried out. A fast registration is always signaled, and never deferred.
    /// - Returns: what the peer must name; nil without remote rights.
    /// - Throws: ``PostError``; everything the device would answer with the end of the connection is found out before.
    /// - Complexity: O(*n*) in the pages; a lock, and one `ibv_reg_mr` where the bytes are registered anew.
    public mutating func fastRegister(
        _ region: borrowing MemoryRegion, pages: some Collection<LogicalAddress>, firstByteOffset: Int, length: Int,
        baseAddress: UInt64, access: RegionAccess, context: UInt64 = 0, flags: RequestFlags = []
    ) throws(PostError) -> RemoteMemory? {
        let address: UInt64
        do throws(RegionError) {
            guard region.kind == .fastRegistered else { throw .neverFastRegisters }
            guard region.core.adapter === core.adapter else { throw .otherAdapter }
            address = try FastRegistration(
                pages: pages, firstByteOffset: firstByteOffset, length: length, baseAddress: baseAddress,
                access: access
            ).check(for: region.fastTerms)
        } catch {
            throw sends.refuse(.region(error))
        }
        let local = BindTarget.LocalName(
            token: region.localToken,
            bytes: RegionBytes(
                address: baseAddress, length: UInt64(length), logicalAddress: address,
                isWritable: access.local == .readWrite))
        let target = BindTarget(
            address: address, length: length, access: access.remote,
            reach: access.remote.isEmpty ? .nothing : .exactly(base: baseAddress), local: local)
        do throws(PostError) {
            return try bind(region.core.binding, to: target, as: .fastRegister, context: context, flags: flags)
        } catch {
            throw error.ofRegion
        }
    }

    /// Ends a fast registration: `NdkInvalidate`.
    ///
    /// Takes effect with its completion; from then on the peer's access fails and the region can be registered again.
    /// - Throws: ``PostError/region(_:)`` unless the region is registered on this queue pair by a request that has
    ///   completed. Nothing reaches the device then: rxe would panic (T1).
    public mutating func invalidate(
        _ region: borrowing MemoryRegion, context: UInt64 = 0, flags: RequestFlags = []
    ) throws(PostError) {
        guard region.kind == .fastRegistered else { throw sends.refuse(.region(.notInvalidated)) }
        do throws(PostError) {
            try invalidate(region.core.binding, context: context, flags: flags)
        } catch {
            throw error.ofRegion
        }
    }

    /// Gives the peer access to a range of a registered region: `NdkBind`.
    ///
    /// As over a mapping; the peer's address is the memory's own.
    /// - Parameters:
    ///   - window: a window that is not bound.
    ///   - region: of kind ``MemoryRegion/Kind/registered``, and registered; it is not deregistered under the window.
    ///   - bytes: the range, counted from the region's first byte.
    ///   - access: what the peer may do; writing needs ``RegionAccess/localWrite``.
    ///   - context: given back with the completion.
    ///   - flags: how it is carried out. A bind is always signaled, and never deferred.
    /// - Returns: what the peer must name. It may be sent in a message posted next.
    /// - Throws: ``PostError``; everything the device would answer with the end of the connection is found out before.
    /// - Important: rxe confines a peer to the region, not to the range (T37).
    public mutating func bind(
        _ window: borrowing MemoryWindow, over region: borrowing MemoryRegion, _ bytes: Range<Int>,
        access: RemoteAccess, context: UInt64 = 0, flags: RequestFlags = []
    ) throws(PostError) -> RemoteMemory {
        guard region.core.adapter === core.adapter else { throw sends.refuse(.region(.otherAdapter)) }
        guard let registration = region.registration else {
            throw sends.refuse(.region(region.kind == .registered ? .notRegistered : .onlyFastRegisters))
        }
        guard registration.bindsWindows, !access.contains(.write) || registration.access == .readWrite else {
            throw sends.refuse(.window(.notWritable))
        }
        return try bind(
            window, access, bytes, of: registration.memory.length, at: registration.base.rawValue, in: registration,
            context: context, flags: flags)
    }
}

extension PostError {
    /// The same of a region.
    fileprivate var ofRegion: PostError {
        switch self {
        case .window(.alreadyBound): .region(.alreadyRegistered)
        case .window(.notBound): .region(.notRegistered)
        case .window(.stillBinding): .region(.stillRegistering)
        case .window(.boundElsewhere): .region(.registeredElsewhere)
        default: self
        }
    }
}
