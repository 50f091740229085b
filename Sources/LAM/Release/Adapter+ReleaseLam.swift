import Synchronization
import Tracking
import Verbs

extension Adapter {
    /// Gives a mapping up: `NdkReleaseLam`, the same as ``LogicalAddressMapping/release()``.
    public func releaseLam(_ mapping: consuming LogicalAddressMapping) {
        mapping.release()
    }

    /// Closes the mapping and leaves the rest to the reaper.
    func release(_ registration: Registration) {
        guard core.mappings.close(registration.id) else {
            fatalError("Adapter \(name): the mapping built at \(registration.site) was released twice")
        }
        if core.mappings.isInUse(registration.id) {
            core.counters.deferredReleases.add(1, ordering: .relaxed)
        }
        registration.releasedAt = .now
        core.counters.pendingReleases.add(1, ordering: .relaxed)
        reaper.add(registration)
    }

    /// What became of an attempt to unpin a mapping at once.
    enum ImmediateRelease {
        case unpinned
        case inUse(MappingUse)
        case refused(VerbError)
    }

    /// Unpins the mapping on the calling thread if nothing uses it; otherwise leaves it as it was.
    func releaseIfIdle(_ registration: Registration) -> ImmediateRelease {
        guard core.mappings.close(registration.id) else {
            fatalError("Adapter \(name): the mapping built at \(registration.site) was released twice")
        }
        guard isIdle(registration.id) else {
            reopen(registration)
            // Before the help, which may end the use at once.
            let use = core.use(of: registration.id)
            // An unsignaled tail would hold it for ever, if nothing is posted behind it.
            reaper.run { [core] in core.help([registration]) }
            return .inUse(use)
        }
        do {
            try core.deregister(registration)
            return .unpinned
        } catch {
            reopen(registration)
            return .refused(error)
        }
    }

    /// Whether nothing uses a mapping that was closed just now.
    private func isIdle(_ id: MappingID) -> Bool {
        // No barrier where there is nobody whose post it could order.
        if core.mappings.isUntouched(id) { return true }
        core.barrier?.issue()
        return core.mappings.isIdle(id)
    }

    private func reopen(_ registration: Registration) {
        core.mappings.reopen(registration.id, length: UInt64(registration.memory.length))
    }

    /// What uses a mapping at this moment.
    func use(of id: MappingID) -> MappingUse {
        core.use(of: id)
    }
}
