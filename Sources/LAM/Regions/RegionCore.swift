import Tracking

/// What a memory region has beside its memory.
final class RegionCore: Sendable {
    let adapter: Adapter
    let kind: MemoryRegion.Kind
    let localToken: UInt32
    /// What a fast registration binds.
    let binding: BindingCore

    init(_ kind: MemoryRegion.Kind, of adapter: Adapter) throws(AdapterError) {
        guard let token = adapter.core.regions.open() else {
            throw .limitExceeded(what: "memory regions", asked: RegionTable.capacity + 1, limit: RegionTable.capacity)
        }
        self.adapter = adapter
        self.kind = kind
        localToken = token
        binding = BindingCore(of: adapter, CountedChild(.region, of: adapter.core))
    }

    deinit {
        adapter.core.regions.close(localToken)
    }

    /// The owner gave the region up.
    func abandon() {
        binding.abandon()
        adapter.core.regions.clear(localToken)
    }
}
