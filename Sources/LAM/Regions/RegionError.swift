/// Why a memory region could not be used as asked. Nothing was posted, and the region is as it was.
@nonexhaustive
public enum RegionError: Error, Hashable, Sendable {
    /// The region was created for fast registration, and memory is registered with it by a request only.
    case onlyFastRegisters
    /// The region was created for memory of its own, and is registered without a request.
    case neverFastRegisters
    /// The region was created by another adapter.
    case otherAdapter
    /// ``MemoryRegion/initializeFastRegister(pageCount:remoteAccess:)`` was not called, or did not succeed.
    case notInitialized
    /// More pages, or fewer than one, were asked for than the region or the adapter can have.
    case pageCount(asked: Int, limit: Int)
    /// Rights for a peer were asked of a region that is initialized without remote access.
    case noRemoteAccess
    /// The bytes are none, begin outside of the first page, or end behind the last one.
    case beyondPages(firstByteOffset: Int, length: Int, pageCount: Int)
    /// The base address has another offset within a page than the first byte, or the region would run over the end of
    /// the address space.
    case badBase(address: UInt64, firstByteOffset: Int)
    /// The pages are not consecutive ones of one mapping.
    case pagesNotConsecutive(index: Int)
    /// The region is registered; invalidate or deregister it first.
    case alreadyRegistered
    /// The region is not registered, or not any more.
    case notRegistered
    /// The region is being registered; poll the completion first.
    case stillRegistering
    /// The region was registered on another queue pair.
    case registeredElsewhere
    /// The region is registered for good, until it is deregistered.
    case notInvalidated
    /// The region cannot be deregistered because this uses it; it is as it was.
    case inUse(MappingUse)
    /// The memory could not be registered.
    case memory(MappingError)
    /// A verb failed: which one, and the `errno` value that it gave.
    case verbFailed(verb: String, errno: Int32)
}

extension RegionError: CustomStringConvertible {
    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .onlyFastRegisters: "the region is for fast registration; post a fast registration"
        case .neverFastRegisters: "the region is for registered memory; create one for fast registration"
        case .otherAdapter: "the region is of another adapter"
        case .notInitialized: "the region is not initialized for fast registration"
        case .pageCount(let asked, let limit): "\(asked) pages were asked for, between 1 and \(limit) can be had"
        case .noRemoteAccess: "the region is initialized without remote access, and can give a peer no rights"
        case .beyondPages(let offset, let length, let pageCount):
            "\(length) bytes from byte \(offset) on are not within \(pageCount) pages"
        case .badBase(let address, let offset):
            """
            the region cannot begin at \(hexadecimal(address)); its base must be the first byte's offset \(offset) \
            and a number of pages
            """
        case .pagesNotConsecutive(let index):
            "page \(index) does not follow its predecessor in one mapping; register each run of pages by itself"
        case .alreadyRegistered: "the region is registered; invalidate or deregister it first"
        case .notRegistered: "the region is not registered"
        case .stillRegistering: "the region's registration has not completed; poll its completion first"
        case .registeredElsewhere: "the region is registered on another queue pair; invalidate it there"
        case .notInvalidated: "the region is not registered by a request; deregister it"
        case .inUse(let use): "the region is used by \(use)"
        case .memory(let error): error.description
        case .verbFailed(let verb, let code): "\(verb) failed: \(errnoDescription(code))"
        }
    }
}
