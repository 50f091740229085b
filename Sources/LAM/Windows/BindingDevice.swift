import Tracking
import Verbs

/// What the device has for one binding: a window, memory registered for it alone, both, or nothing.
struct BindingDevice: ~Copyable {
    /// Nil after a bind of unknown fate: such a window is deallocated, and allocated anew when needed (T23).
    private var window: Verbs.MemoryWindow?
    private var region: Verbs.MemoryRegion?
    /// What `region` adds to VmPin.
    private var pinnedBytes = 0

    init() {}

    /// A window that exists before it is bound.
    init(window: consuming Verbs.MemoryWindow) {
        self.window = consume window
    }

    /// Whether it has nothing.
    var isEmpty: Bool { window == nil && region == nil }

    /// Moves everything out.
    mutating func take() -> BindingDevice {
        var taken = BindingDevice()
        swap(&taken, &self)
        return taken
    }

    // MARK: Bind

    /// Allocates and registers what the bind needs.
    ///
    /// - Parameters:
    ///   - target: what is to be bound.
    ///   - memory: where its bytes are in this process.
    ///   - address: where the device knows the first one.
    ///   - manner: how it is to be bound.
    ///   - core: the adapter's.
    /// - Returns: what the peer must name.
    /// - Throws: why not. A window may be there all the same.
    mutating func prepare(
        _ target: BindTarget, _ memory: MemoryDescriptor, at address: UInt64, _ manner: BindManner, _ core: AdapterCore
    ) throws(PostError) -> RemoteMemory? {
        if manner.isByWindow { try allocateWindowIfNeeded(in: core.domain) }
        var base = address
        if case .exactly(let asked?) = target.reach { base = asked }
        let written: AccessRights = target.access.contains(.write) ? .localWrite : []
        switch manner {
        case .window:
            return RemoteMemory(address: base, key: nextWindowKey)
        case .windowOverRegistration:
            try register(memory, at: base, written.union(.bindWindows), core)
            return RemoteMemory(address: base, key: nextWindowKey)
        case .registration:
            try register(memory, at: base, written.union(AccessRights(target.access)), core)
            return RemoteMemory(address: base, key: remoteKey)
        case .nothing:
            return nil
        }
    }

    private mutating func allocateWindowIfNeeded(in domain: ProtectionDomain) throws(PostError) {
        guard window == nil else { return }
        do { window = try Verbs.MemoryWindow(in: domain) } catch {
            throw .verbFailed(verb: error.verb.description, errno: error.code)
        }
    }

    private mutating func register(
        _ memory: MemoryDescriptor, at base: UInt64, _ rights: AccessRights, _ core: AdapterCore
    ) throws(PostError) {
        let bytes = PageSpan(address: memory.address, length: memory.length).pinnedBytes
        guard core.budget.claim(bytes) else {
            throw .region(.memory(.overBudget(core.budget.report(asked: bytes))))
        }
        do throws(VerbError) {
            region = try unsafe Verbs.MemoryRegion(
                registering: UnsafeMutableRawBufferPointer(
                    start: UnsafeMutableRawPointer(bitPattern: memory.address), count: memory.length),
                at: base, rights: rights, in: core.domain)
            pinnedBytes = bytes
        } catch {
            core.budget.giveBack(bytes)
            throw .region(.memory(MappingError(error, registering: memory, for: .readWrite)))
        }
    }

    private var nextWindowKey: UInt32 {
        switch window {
        case .some(let window): window.nextKey
        case .none: fatalError("BindingDevice: there is no window")
        }
    }

    private var remoteKey: UInt32 {
        switch region {
        case .some(let region): region.remoteKey
        case .none: fatalError("BindingDevice: there is no region")
        }
    }

    /// Writes the request that binds. Where nothing is to be done, it writes no byte to no address, in order.
    func appendBind(_ binding: Binding, to chain: inout SendChain, identifier: UInt64, flags: SendFlags) {
        guard binding.manner.isByWindow else { return chain.appendNothing(identifier: identifier, flags: flags) }
        switch region {
        case .some(let region): append(binding, region, to: &chain, identifier, flags)
        case .none: binding.registration.withRegion { append(binding, $0, to: &chain, identifier, flags) }
        }
    }

    private func append(
        _ binding: Binding, _ region: borrowing Verbs.MemoryRegion, to chain: inout SendChain, _ identifier: UInt64,
        _ flags: SendFlags
    ) {
        guard let remote = binding.remote else { return }
        switch window {
        case .some(let window):
            chain.appendBind(
                identifier: identifier, flags: flags, window: window, key: remote.key, region: region,
                address: remote.address, length: UInt64(binding.target.length),
                rights: AccessRights(binding.target.access))
        case .none: fatalError("BindingDevice: there is no window")
        }
    }

    /// The bind happened: the provider names the window by this key in the next one.
    mutating func noteBound(_ remote: RemoteMemory?) {
        if let remote { window?.key = remote.key }
    }

    // MARK: End

    /// Has the device give up what was registered, and with `everything` the window before it.
    ///
    /// - Throws: the refusal; what was refused is still here.
    mutating func end(_ ending: BindingCore.Ending, _ core: AdapterCore) throws(VerbError) {
        if ending == .everything, let window = window.take(), case .refused(let kept, let error) = window.deallocate() {
            self.window = consume kept
            throw error
        }
        if let region = region.take() {
            if case .refused(let kept, let error) = region.deregister() {
                self.region = consume kept
                throw error
            }
            core.budget.giveBack(pinnedBytes)
        }
    }
}
