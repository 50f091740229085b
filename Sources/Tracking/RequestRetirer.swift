public import Synchronization

/// The polling side of a completion queue: finds the request that a completion names, and retires it.
///
/// The counterpart of `RequestPoster`. Whoever polls the completion queue is alone with it.
// Sendable: `chunks` never changes, and is there as long as the table, which `mappings` keeps.
@usableFromInline @safe
package struct RequestRetirer: @unchecked Sendable {
    private let mappings: MappingTable
    @usableFromInline let chunks: ChunkedTable<QueueState>.Chunks

    /// The retirer of the requests that name mappings of one table.
    package init(mappings: MappingTable) {
        self.mappings = mappings
        unsafe chunks = mappings.queues.states.chunks
    }

    /// Finds the request whose completion was polled, if nothing is to be done but to retire it.
    ///
    /// - Returns: nil if no open queue has such a request outstanding, or uses were counted that have to be dropped;
    ///   `retire` takes care of both.
    @inlinable @inline(__always)
    package func ordinaryRequest(_ wire: WireID) -> OrdinaryRequest? {
        guard let state = unsafe ChunkedTable<QueueState>.element(at: wire.queueIndex, in: chunks),
            unsafe wire.names(state.pointee.id.load(ordering: .acquiring))
        else { return nil }
        let completed = unsafe state.pointee.completed.load(ordering: .relaxed)
        let position = wire.position(after: completed)
        guard unsafe position <= state.pointee.posted.load(ordering: .acquiring),
            unsafe state.pointee.lastCounted.load(ordering: .relaxed) <= completed
        else { return nil }
        return unsafe OrdinaryRequest(state, at: position)
    }

    /// Retires the request whose completion was polled, and every earlier one of its queue: `MappingTable.complete`.
    package func retire(_ wire: WireID) -> RetiredRequest? {
        mappings.complete(wire)
    }
}

/// A request whose completion was polled, to be retired without anything else to look after.
@usableFromInline @safe
package struct OrdinaryRequest {
    @usableFromInline let state: UnsafeMutablePointer<QueueState>
    @usableFromInline let position: UInt64
    /// What the poster kept with it.
    @usableFromInline package let request: Request

    @inlinable @inline(__always)
    init(_ state: UnsafeMutablePointer<QueueState>, at position: UInt64) {
        unsafe self.state = unsafe state
        self.position = position
        request = unsafe state.pointee.ring[position]
    }

    /// Retires the request, and every earlier one of its queue.
    @inlinable @inline(__always)
    package func retire() {
        // Whoever sees the position also sees that the device is done with the memory.
        unsafe state.pointee.completed.store(position, ordering: .releasing)
    }
}
