package import Tracking

/// Mappings whose owner keeps an identifier instead of a value: a program in C.
extension LogicalAddressMapping {
    /// Leaves a mapping with a registration of its own to whoever has its identifier. It stays until that is released.
    package consuming func detached() -> MappingID {
        let id = id
        registration.detach()
        surrender()
        return id
    }
}

extension Adapter {
    /// Gives a detached mapping up, as ``LogicalAddressMapping/release()`` does.
    ///
    /// - Returns: false where there is no such mapping: it was released before, or never built.
    package func release(_ id: MappingID) -> Bool {
        guard let registration = core.children.withLock({ $0.registration(of: id) }), registration.isDetached,
            core.beginRelease(registration)
        else { return false }
        registration.leave()
        reaper.add(registration)
        return true
    }
}
