import Glibc
import Tracking
import Verbs

/// The memory behind one mapping, from before it is pinned until it is unpinned.
// Sendable: `region` belongs to whoever builds the mapping, to the mapping's owner while it is live, and after that to
// the one thread whose `MappingTable.close` succeeded; the rest is set before the hand-over.
final class Registration: @unchecked Sendable {
    let id: MappingID
    let base: LogicalAddress
    let memory: MemoryDescriptor
    /// What the device is told of the memory.
    let terms: RegistrationTerms
    /// What the memory adds to VmPin.
    let pinnedBytes: Int
    let site: BuildSite

    /// What keeps the memory allocated while the device may touch it; nil where the caller vouches for that.
    private let retained: (any AnyObject & Sendable)?
    private var region: Verbs.MemoryRegion?
    /// Whether windows can be bound over the memory.
    private(set) var bindsWindows = false

    /// Keeps the adapter open until the mapping is released.
    private var owner: Adapter?
    /// Whether the mapping is released by its identifier.
    private(set) var isDetached = false
    /// Called once, when the memory is unpinned.
    var onUnpinned: (@Sendable () -> Void)?
    /// When the owner gave the mapping up.
    var releasedAt: MonotonicTime?
    /// When the reaper last saw the released mapping in use.
    var lastUse: MonotonicTime?
    /// How often the device refused to unpin the memory.
    var refusals = 0

    /// Describes memory that is not registered yet.
    init(
        id: MappingID, base: LogicalAddress, memory: MemoryDescriptor, terms: RegistrationTerms, site: BuildSite,
        retaining retained: (any AnyObject & Sendable)?
    ) {
        self.id = id
        self.base = base
        self.memory = memory
        self.terms = terms
        pinnedBytes = PageSpan(address: memory.address, length: memory.length).pinnedBytes
        self.site = site
        self.retained = retained
    }

    /// What the adapter may do with the memory.
    var access: MemoryAccess { terms.access }

    /// The device's address of the first byte.
    var deviceBase: UInt64 { terms.isAtMemoryAddress ? UInt64(memory.address) : base.rawValue }

    /// Pins the memory.
    ///
    /// - Returns: the key by which the device knows the memory.
    func register(in domain: ProtectionDomain) throws(VerbError) -> UInt32 {
        let region: Verbs.MemoryRegion
        do throws(VerbError) {
            region = try register(terms.rights, in: domain)
            bindsWindows = terms.rights.contains(.bindWindows)
        } catch {
            // Linux takes the right to bind windows for a right to write, which this memory may not have.
            guard error.code == EFAULT, terms.access == .readOnly, terms.rights.contains(.bindWindows) else {
                throw error
            }
            region = try register(terms.rights.subtracting(.bindWindows), in: domain)
        }
        let key = region.localKey
        self.region = consume region
        return key
    }

    private func register(_ rights: AccessRights, in domain: ProtectionDomain) throws(VerbError) -> Verbs.MemoryRegion {
        try unsafe Verbs.MemoryRegion(
            registering: UnsafeMutableRawBufferPointer(
                start: UnsafeMutableRawPointer(bitPattern: memory.address), count: memory.length),
            at: deviceBase, rights: rights, in: domain)
    }

    /// The memory that the device knows by an address.
    func memory(at address: UInt64, length: Int) -> MemoryDescriptor {
        MemoryDescriptor(address: memory.address + UInt(address - deviceBase), length: length)
    }

    /// Begins the life of the mapping.
    func become(mappingOf adapter: Adapter) {
        owner = adapter
    }

    /// The adapter of a mapping that is not released.
    var adapter: Adapter {
        guard let owner else { fatalError("Registration: the mapping of \(memory) is released") }
        return owner
    }

    /// Gives the mapping up, whoever uses it; from now on the reaper has it.
    func release() {
        // The adapter would never go, if what it keeps kept it.
        guard let adapter = owner.take() else { fatalError("Registration: the mapping of \(memory) is released") }
        adapter.release(self)
    }

    /// From now on whoever has the identifier may release the mapping.
    func detach() {
        isDetached = true
    }

    /// What ``release()`` does once the mapping is refused to requests.
    func leave() {
        owner = nil
    }

    /// Unpins the memory if nothing uses the mapping; otherwise leaves it as it was.
    func releaseIfIdle() -> ImmediateRelease {
        adapter.releaseIfIdle(self)
    }

    /// Whether the memory stays allocated as long as this.
    var keepsMemory: Bool { retained != nil }

    /// The key of a peer, where it has rights.
    var remoteKey: UInt32 {
        var key: UInt32 = 0
        withRegion { key = $0.remoteKey }
        return key
    }

    /// Has `body` look at the region.
    func withRegion(_ body: (borrowing Verbs.MemoryRegion) -> Void) {
        guard region != nil else { fatalError("Registration: \(memory) is not registered") }
        body(region!)
    }

    /// Unpins the memory; a refusal leaves everything as it was, to be tried again.
    func deregister() throws(VerbError) {
        guard let region = region.take() else { fatalError("Registration: \(memory) is not registered") }
        switch region.deregister() {
        case .done: break
        case .refused(let kept, let error):
            self.region = consume kept
            throw error
        }
    }
}

/// What the device is told of memory that is registered.
struct RegistrationTerms {
    /// What local requests may do.
    let access: MemoryAccess
    /// What a peer may do by the registration's own key.
    var remote: RemoteAccess = []
    /// Whether windows can be bound over memory that may not be written, where the kernel allows it.
    var triesWindows = false
    /// Whether the device's addresses are the process's, and not the logical ones.
    var isAtMemoryAddress = false

    var rights: AccessRights {
        var rights = access.rights.union(AccessRights(remote))
        if triesWindows { rights.insert(.bindWindows) }
        return rights
    }
}

/// The place in a program that built a mapping or another object of an adapter.
public struct BuildSite: Hashable, Sendable, CustomStringConvertible {
    /// The file, as `#fileID` gives it.
    public let file: StaticString
    /// The line in that file.
    public let line: UInt32

    init(file: StaticString, line: UInt) {
        self.file = file
        self.line = UInt32(truncatingIfNeeded: line)
    }

    /// `Module/File.swift:line`.
    public var description: String { "\(file):\(line)" }

    /// Two sites are the same if they print the same.
    public static func == (left: BuildSite, right: BuildSite) -> Bool {
        left.description == right.description
    }

    /// Feeds what `==` compares.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(description)
    }
}
