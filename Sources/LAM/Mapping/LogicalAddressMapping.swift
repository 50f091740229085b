public import Tracking

/// Memory that an adapter may reach: a logical address mapping, LAM.
///
/// The memory is pinned and has logical addresses, which requests name together with the adapter's privileged token.
/// A mapping gives the adapter local read and write access, or read access alone, and a peer nothing; a peer gets access by a
/// ``MemoryWindow``.
///
/// A mapping is used by borrowing it and given up by consuming it, so that use after release does not compile. Dropping
/// it releases it. However it is released, the memory stays pinned until no request and no window can touch it.
@frozen
public struct LogicalAddressMapping: ~Copyable, Sendable {
    /// All that a request needs to know.
    @usableFromInline let place: MappingPlace
    /// Which adapter the mapping is of.
    @usableFromInline let adapterID: ObjectIdentifier
    @usableFromInline let origin: Origin

    /// What the memory belongs to.
    ///
    /// No reference is counted while the mapping lives: what several threads count, they all wait for. Whoever ends it
    /// counts one, because what keeps the object goes then.
    @usableFromInline @safe
    enum Origin: @unchecked Sendable {
        /// The mapping has the registration for itself. It is the adapter's until it is deregistered.
        case registration(Unmanaged<Registration>)
        /// It was cut from an arena, which outlives it.
        case cut(ArenaBlock)
        /// It was made of a cached registration, which outlives it.
        case cached(CachedCut)
    }

    init(_ registration: Registration, at place: MappingPlace, of adapter: Adapter) {
        registration.become(mappingOf: adapter)
        self.place = place
        adapterID = ObjectIdentifier(adapter)
        unsafe origin = .registration(.passUnretained(registration))
    }

    /// A mapping of a block whose cut is open.
    @inlinable @inline(__always)
    init(_ block: ArenaBlock, of adapter: ObjectIdentifier) {
        place = block.cut.place
        adapterID = adapter
        origin = .cut(block)
    }

    /// A mapping of a cut that is open.
    @inlinable @inline(__always)
    init(_ cut: CachedCut, of adapter: ObjectIdentifier) {
        place = cut.cut.place
        adapterID = adapter
        origin = .cached(cut)
    }

    deinit {
        origin.release()
    }

    /// Ends the mapping without releasing anything.
    @inlinable @inline(__always)
    consuming func surrender() {
        discard self
    }

    /// The registration whose memory it is, or a part of it.
    var registration: Registration {
        switch origin {
        case .registration(let registration): unsafe registration.takeUnretainedValue()
        case .cut(let block): block.slab.registration
        case .cached(let cut): cut.entry.registration
        }
    }

    /// The adapter that the mapping is of.
    var adapter: Adapter { registration.adapter }

    /// Names the mapping in the adapter's table.
    var id: MappingID {
        switch origin {
        case .registration(let registration): unsafe registration._withUnsafeGuaranteedRef { $0.id }
        case .cut(let block): block.cut.id
        case .cached(let cut): cut.cut.id
        }
    }

    /// The logical address of the first byte.
    public var baseAddress: LogicalAddress { LogicalAddress(rawValue: place.address) }

    /// How many bytes are mapped.
    public var length: Int { Int(place.length) }

    /// The memory that is mapped.
    public var memory: MemoryDescriptor {
        switch origin {
        case .registration, .cached: registration.memory
        case .cut(let block): MemoryDescriptor(address: block.address, length: length)
        }
    }

    /// What the adapter may do with the memory.
    public var access: MemoryAccess { registration.access }

    /// The offset of the first byte in the first page: FBO of `NdkBuildLam`.
    public var firstByteOffset: Int { PageSpan(address: memory.address, length: length).firstByteOffset }

    /// The logical address of each page, aligned to the page size of the host (rules L7 and L8).
    ///
    /// - Complexity: O(1); nothing is stored, however large the mapping is.
    public var pages: PageArray {
        PageArray(firstByte: baseAddress, length: length)
    }

    /// A scatter/gather element over `bytes` of the mapping, counted from its first byte.
    ///
    /// The element is a plain value: posting it after the mapping is gone throws ``PostError/unknownAddress(element:)``.
    /// Post the mapping itself where one is enough, and the compiler sees to it.
    /// - Precondition: the range lies in the mapping and is shorter than 4 GiB.
    public func element(_ bytes: Range<Int>) -> ScatterGatherElement {
        place.element(bytes, token: adapter.privilegedToken)
    }

    /// A scatter/gather element over the whole mapping.
    /// - Precondition: the mapping is shorter than 4 GiB.
    public var element: ScatterGatherElement { element(0..<length) }
}

extension LogicalAddressMapping.Origin {
    /// Gives the mapping up.
    @inlinable @inline(__always)
    func release() {
        switch self {
        case .registration: releaseRegistration()
        case .cut(let block): block.release()
        case .cached(let cut): cut.release()
        }
    }

    @usableFromInline @inline(never)
    func releaseRegistration() {
        guard case .registration(let registration) = self else { return }
        unsafe registration.takeUnretainedValue().release()
    }
}

extension MappingPlace {
    /// A scatter/gather element over `bytes` of the mapping; traps unless they lie in it and are fewer than 4 GiB.
    func element(_ bytes: Range<Int>, token: UInt32) -> ScatterGatherElement {
        guard bytes.lowerBound >= 0, bytes.upperBound <= length, let count = UInt32(exactly: bytes.count) else {
            fatalError("LogicalAddressMapping: bytes \(bytes) of a mapping of \(length) bytes")
        }
        return ScatterGatherElement(
            address: LogicalAddress(rawValue: address &+ UInt64(bytes.lowerBound)), length: count, token: token)
    }
}
