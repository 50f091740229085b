internal import CRDMA

/// A protection domain: the parent of regions, windows and queue pairs, which work only within one
/// domain.
///
/// Ends as every owner of this module does: see `close()`.
@safe
package final class ProtectionDomain: Sendable {
    /// The open device.
    package let context: DeviceContext
    // Written once, here; libibverbs domains may be used by any thread.
    nonisolated(unsafe) let raw: UnsafeMutablePointer<ibv_pd>
    private let lifetime = Lifetime()

    /// Creates a domain (`ibv_alloc_pd`).
    package init(in context: DeviceContext) throws(VerbError) {
        var raw: UnsafeMutablePointer<ibv_pd>?
        try check(.allocateDomain, unsafe context.verbs.memory.allocateDomain(context.raw, &raw))
        unsafe self.raw = unsafe created(raw, by: .allocateDomain)
        self.context = context
    }

    deinit {
        lifetime.end(.deallocateDomain, context.verbs) {
            unsafe context.verbs.memory.deallocateDomain(raw)
        }
    }

    /// Destroys the domain (`ibv_dealloc_pd`).
    ///
    /// - Throws: `EBUSY` while a region, window or queue pair of it exists. The domain is still
    ///   there then, and `close()` can be called again; after a success it does nothing. Dropping
    ///   the last reference closes too.
    package func close() throws(VerbError) {
        try lifetime.close(.deallocateDomain) { unsafe context.verbs.memory.deallocateDomain(raw) }
    }
}
