import Synchronization

/// The posting side of a shared receive queue: gives every request a place, and counts each mapping that it names.
///
/// One request is prepared at a time, as with `RequestPoster`:
///
/// ```
/// begin() -> use(...) for each element -> commit(...) or abandon()
/// ```
///
/// The requests complete in no order, so that there is no position which a fence could name. Instead each use is
/// counted at its mapping until that request is retired. Nobody but the owner ever posts, so there is no turnstile.
/// - Complexity: an atomic addition for each element, and another when the request is retired.
// Sendable: it has one owner at a time, and `state` is there as long as `queue`.
@safe
package struct SharedRequestPoster: ~Copyable, @unchecked Sendable {
    private let queue: SharedQueue
    private let mappings: MappingTable
    private let state: UnsafeMutablePointer<SharedQueueState>
    private let wire: WireID
    /// The place of the request that is being prepared, or was last.
    private var place: UInt32 = 0
    /// The first of the places that were given back, plus one; zero if there is none.
    private var emptied: UInt32 = 0
    /// Places from this one on never had a request.
    private var unused: UInt32 = 0

    /// The poster of an open queue; there is one for each queue.
    package init(queue: SharedQueue, mappings: MappingTable) {
        self.queue = queue
        self.mappings = mappings
        unsafe state = queue.state
        wire = WireID(queue: queue.id)
    }

    /// Takes a place.
    ///
    /// - Returns: false if as many requests as the queue may have are posted and not retired.
    package mutating func begin() -> Bool {
        guard unsafe state.pointee.outstanding < state.pointee.depth.load(ordering: .acquiring) else { return false }
        if emptied == 0 { emptied = unsafe state.pointee.takeEmptied() }
        if emptied > 0 {
            place = emptied - 1
            emptied = unsafe current.pointee.next
        } else {
            // Every place before has a request: there are no more of them than the depth allows.
            place = unused
            unused += 1
        }
        return true
    }

    /// Notes that the request names `length` bytes at a logical address.
    ///
    /// - Returns: where the device finds that memory.
    package mutating func use(
        address: UInt64, length: UInt32, isSink: Bool = true
    ) throws(UseError) -> KeyedAddress {
        let (mapping, memory) = try mappings.holdRequest(address: address, length: UInt64(length))
        unsafe current.pointee.append(mapping.slot)
        return memory
    }

    /// Whether `use` would find the mapping; counts nothing.
    package func check(address: UInt64, length: UInt32, isSink: Bool = true) throws(UseError) {
        try mappings.check(address: address, length: UInt64(length))
    }

    /// Completes the preparation: the request may go to the device.
    ///
    /// - Returns: what its `wr_id` must be.
    package mutating func commit(context: UInt64, tag: UInt32) -> WireID {
        let posted = unsafe state.pointee.posted.load(ordering: .relaxed)
        unsafe state.pointee.posted.store(posted &+ 1, ordering: .releasing)
        let turn = unsafe current.pointee.fill(Request(context: context, tag: tag))
        return wire.at(place: place, turn: turn)
    }

    /// Gives the place back; the request goes nowhere.
    package mutating func abandon() {
        unsafe mappings.dropUses(of: current)
        unsafe current.pointee.next = emptied
        emptied = place + 1
    }

    /// Takes the last committed request back, which the device refused.
    package mutating func withdraw() {
        unsafe current.pointee.withdraw()
        let posted = unsafe state.pointee.posted.load(ordering: .relaxed)
        unsafe state.pointee.posted.store(posted &- 1, ordering: .releasing)
        abandon()
    }

    private var current: UnsafeMutablePointer<SharedPlace> {
        unsafe state.pointee.place(place)!
    }
}
