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
        guard core.beginRelease(registration) else { AdapterCore.refuseSecondRelease(of: registration) }
        reaper.add(registration)
    }

    /// Unpins the mapping on the calling thread if nothing uses it; otherwise leaves it as it was.
    func releaseIfIdle(_ registration: Registration) -> ImmediateRelease {
        let outcome = core.releaseIfIdle(registration)
        if case .inUse = outcome { help(registration.id) }
        return outcome
    }

    /// Has the reaper see to it that the uses of a mapping end.
    func help(_ id: MappingID) {
        // An unsignaled tail would hold it for ever, if nothing is posted behind it.
        reaper.run { [core] in core.help([id]) }
    }

    /// What uses a mapping at this moment.
    func use(of id: MappingID) -> MappingUse {
        core.use(of: id)
    }
}

/// What became of an attempt to release a mapping at once.
enum ImmediateRelease {
    case released
    case inUse(MappingUse)
    case refused(VerbError)
}

extension AdapterCore {
    /// Refuses the mapping to every later request, and notes when; the rest is the reaper's.
    ///
    /// - Returns: false if it was released before.
    func beginRelease(_ registration: Registration) -> Bool {
        guard mappings.close(registration.id) else { return false }
        if mappings.isInUse(registration.id) { noteDeferral(of: registration) }
        registration.releasedAt = .now
        counters.pendingReleases.add(1, ordering: .relaxed)
        return true
    }

    /// The compiler sees to it that a mapping is released once.
    static func refuseSecondRelease(of registration: Registration) -> Never {
        fatalError("Adapter: the mapping built at \(registration.site) was released twice")
    }

    /// Unpins the mapping if nothing uses it; otherwise leaves it as it was.
    fileprivate func releaseIfIdle(_ registration: Registration) -> ImmediateRelease {
        guard mappings.close(registration.id) else { Self.refuseSecondRelease(of: registration) }
        guard isIdle(registration.id) else {
            reopen(registration)
            return .inUse(use(of: registration.id))
        }
        do {
            try deregister(registration)
            return .released
        } catch {
            reopen(registration)
            return .refused(error)
        }
    }

    /// Whether nothing uses a mapping that was closed just now.
    func isIdle(_ id: MappingID) -> Bool {
        // No barrier where there is nobody whose post it could order.
        if mappings.isUntouched(id) { return true }
        orderPosts()
        return mappings.isIdle(id)
    }

    private func reopen(_ registration: Registration) {
        mappings.reopen(registration.id, length: UInt64(registration.memory.length))
    }
}
