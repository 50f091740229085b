import Tracking

/// Memory with a token of its own: `NDK_MR`.
///
/// A region of kind ``Kind/registered`` registers memory of its own; one of kind ``Kind/fastRegistered`` has requests
/// register pages of mappings. Requests of this side name either by addresses within it and ``localToken``, a peer by
/// ``remoteMemory``.
///
/// However a region ends, its memory stays pinned until no request and no window of this side can touch it. Dropping a
/// region ends the peer's access before it returns, unless a request that registers or invalidates it is under way.
public struct MemoryRegion: ~Copyable, Sendable {
    /// How a region comes to its memory.
    public enum Kind: Hashable, Sendable {
        /// By ``MemoryRegion/register(over:access:file:line:)``: a system call, and rights for every peer of the adapter.
        case registered
        /// By a request on a queue pair, whose peer alone gets the rights.
        case fastRegistered
    }

    let core: RegionCore
    /// The memory of a registered region.
    var registration: Registration?
    /// With which rights.
    var access: RegionAccess = []
    /// What a fast-registered region is initialized for.
    var fastTerms: FastTerms?

    init(core: RegionCore) {
        self.core = core
    }

    deinit {
        core.abandon()
        registration?.release()
    }

    /// How the region comes to its memory; fixed at its creation.
    public var kind: Kind { core.kind }

    /// The token that goes with addresses within the region in elements of this side.
    ///
    /// It stays the same through all registrations, and means nothing to a peer.
    public var localToken: UInt32 { core.localToken }

    /// What a peer must name: the address of the first byte, and the remote token.
    ///
    /// Nil while nothing is registered, or nothing that a peer may use. A fast registration has another token each time.
    public var remoteMemory: RemoteMemory? {
        guard let registration else { return core.binding.remoteMemory }
        return access.remote.isEmpty
            ? nil : RemoteMemory(address: registration.deviceBase, key: registration.remoteKey)
    }

    /// The memory of a registered region; nil while there is none, and for regions of the other kind.
    package var registeredMemory: MemoryDescriptor? { registration?.memory }

    /// An element over `bytes` of the region, counted from its first byte; nil unless they are registered.
    public func element(_ bytes: Range<Int>) -> ScatterGatherElement? {
        guard let registered = core.adapter.core.regions.bytes(of: localToken), bytes.lowerBound >= 0,
            bytes.upperBound <= registered.length, let count = UInt32(exactly: bytes.count)
        else { return nil }
        return ScatterGatherElement(
            address: LogicalAddress(rawValue: registered.address &+ UInt64(bytes.lowerBound)), length: count,
            token: localToken)
    }
}

/// What a region is initialized for.
struct FastTerms {
    let pageCount: Int
    let allowsRemoteAccess: Bool
}

extension Adapter {
    /// Creates a memory region with nothing registered: `NdkCreateMr`.
    ///
    /// - Parameter kind: how it comes to its memory.
    /// - Returns: the region.
    /// - Throws: ``AdapterError/closed``, ``AdapterError/limitExceeded(what:asked:limit:)`` where there are a million.
    public func createMemoryRegion(_ kind: MemoryRegion.Kind) throws(AdapterError) -> MemoryRegion {
        try checkOpen()
        return MemoryRegion(core: try RegionCore(kind, of: self))
    }
}
