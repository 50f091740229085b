package import Tracking

/// Mappings whose owner keeps an identifier instead of a value: a program in C.
extension LogicalAddressMapping {
    /// Leaves the mapping to whoever has its identifier. It stays until that is released.
    package consuming func detached() -> MappingID {
        let id = id
        surrender()
        return id
    }
}

/// What became of the release of a detached mapping.
package enum DetachedRelease: Sendable {
    /// It is unpinned, or about to be.
    case released
    /// The same, as soon as requests and windows that use it are done.
    case deferred
    /// There is no such mapping: it was released before, or never built.
    case unknown
}

extension Adapter {
    /// Gives a detached mapping up, as ``LogicalAddressMapping/release()`` does.
    package func release(_ id: MappingID) -> DetachedRelease {
        guard let registration = core.children.withLock({ $0.registration(of: id) }),
            let isInUse = core.beginRelease(registration)
        else { return .unknown }
        reaper.add(registration)
        return isInUse ? .deferred : .released
    }
}
