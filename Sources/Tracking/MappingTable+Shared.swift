extension MappingTable {
    /// Retires the request of a shared receive queue whose completion was polled, and no other.
    ///
    /// Any number of threads may do so at a time.
    func completeShared(_ wire: WireID) -> RetiredRequest? {
        guard let state = unsafe sharedQueues.state(of: wire),
            let place = unsafe state.pointee.place(wire.place),
            let request = unsafe place.pointee.empty(wire)
        else { return nil }
        unsafe dropUses(of: place)
        unsafe state.pointee.giveBack(wire.place)
        return unsafe RetiredRequest(
            queue: state.pointee.id, request: request, count: 1, leavesFew: state.pointee.isLow())
    }

    /// Retires everything that a destroyed shared receive queue still held.
    ///
    /// Its poster is gone, nobody polls a completion of it, and the device no longer knows it. Called once.
    package func close(_ queue: SharedQueue) {
        sharedQueues.forget(queue)
        unsafe queue.forEachPlace { unsafe dropUses(of: $0) }
    }

    /// Drops what one request counted.
    func dropUses(of place: UnsafeMutablePointer<SharedPlace>) {
        unsafe place.pointee.removeUses { unsafe slots.element(at: $0)!.pointee.drop(.request) }
    }
}
