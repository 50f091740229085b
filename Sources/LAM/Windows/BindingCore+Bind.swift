import Tracking
import Verbs

extension BindingCore {
    /// Begins a bind, which counts as a use of the mapping from now on.
    ///
    /// - Returns: what the peer must name; nil where it may do nothing.
    func beginBind(_ target: BindTarget, on queuePair: QueuePairCore) throws(PostError) -> RemoteMemory? {
        var device = try inside.withLock { (inside) throws(PostError) in
            guard case .unbound = inside.state else { throw .window(.alreadyBound) }
            inside.state = .preparing
            return inside.device.take()
        }
        do throws(PostError) {
            let binding = try prepare(&device, for: target, on: queuePair)
            finishPreparing(consume device, .binding(binding))
            return binding.remote
        } catch {
            finishPreparing(consume device, .unbound)
            throw error
        }
    }

    private func finishPreparing(_ device: consuming BindingDevice, _ state: State) {
        var device = Optional(device)
        inside.withLock { inside in
            inside.device = device.take()!
            inside.state = state
        }
    }

    /// Gets from the device what the bind needs. Not under the lock.
    private func prepare(
        _ device: inout BindingDevice, for target: BindTarget, on queuePair: QueuePairCore
    ) throws(PostError) -> Binding {
        let core = adapter.core
        let held: (id: MappingID, memory: KeyedAddress)
        do throws(UseError) {
            held = try core.mappings.holdWindow(
                address: target.address, length: UInt64(target.length), isWritten: target.access.contains(.write))
        } catch {
            throw PostError(error, element: 0)
        }
        do throws(PostError) {
            guard let registration = target.registration ?? core.registration(of: held.id, at: held.memory.address)
            else { throw PostError(.unmapped, element: 0) }
            let memory = registration.memory(at: held.memory.address, length: target.length)
            let manner = manner(for: target, at: held.memory.address, in: registration)
            let remote = try device.prepare(target, memory, at: held.memory.address, manner, core)
            if let local = target.local { core.regions.assign(local.bytes, to: local.token) }
            return Binding(
                mapping: held.id, registration: registration, target: target, manner: manner, queuePair: queuePair,
                remote: remote)
        } catch {
            core.mappings.dropWindow(held.id)
            throw error
        }
    }

    /// How the peer gets to reach what it is to reach, and no more.
    private func manner(
        for target: BindTarget, at address: UInt64, in registration: Registration
    ) -> BindManner {
        switch target.reach {
        case .nothing: return .nothing
        case .window: return .window
        case .exactly(let base):
            guard adapter.info.hasWindows else { return .registration }
            let isAll = registration.deviceBase == address && registration.memory.length == target.length
            let isConfined = isAll || adapter.info.confinesWindows
            return isConfined && (base ?? address) == address ? .window : .windowOverRegistration
        }
    }

    /// Writes the request that binds.
    func appendBind(to chain: inout SendChain, identifier: UInt64, flags: SendFlags) {
        inside.withLock { inside in
            guard case .binding(let binding) = inside.state else { fatalError("BindingCore: nothing is being bound") }
            inside.device.appendBind(binding, to: &chain, identifier: identifier, flags: flags)
        }
    }

    /// The bind was not posted after all.
    func cancelBind() {
        let mustEnd = inside.withLock { inside in
            guard case .binding = inside.state else { return false }
            return inside.beginEnding(.registration)
        }
        if mustEnd { end() }
    }
}
