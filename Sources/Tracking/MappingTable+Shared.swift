import Synchronization

extension MappingTable {
    /// Retires the request of a shared receive queue whose completion was polled, and no other.
    ///
    /// Any number of threads may do so at a time.
    func completeShared(_ wire: WireID) -> RetiredRequest? {
        guard let state = unsafe sharedQueues.states.element(at: wire.queueIndex & ~QueueID.sharedBit),
            case let id = unsafe state.pointee.id.load(ordering: .acquiring), wire.names(id),
            let place = unsafe state.pointee.place(wire.place),
            let request = unsafe place.pointee.empty(wire)
        else { return nil }
        unsafe dropUses(of: place)
        unsafe state.pointee.giveBack(wire.place)
        return unsafe RetiredRequest(
            queue: QueueID(raw: id), request: request, count: 1, leavesFew: state.pointee.isLow())
    }

    /// Retires everything that a destroyed shared receive queue still held.
    ///
    /// Its poster is gone, nobody polls a completion of it, and the device no longer knows it. Its slot is another
    /// queue's as soon as this returns.
    package func closeShared(_ queue: QueueID) {
        guard let state = unsafe sharedQueues.state(of: queue) else { return }
        var index: UInt32 = 0
        while let place = unsafe state.pointee.place(index) {
            unsafe dropUses(of: place)
            index += 1
        }
        unsafe state.pointee.close()
        sharedQueues.giveIndex(queue.sharedIndex)
    }

    /// Drops what one request counted.
    func dropUses(of place: UnsafeMutablePointer<SharedPlace>) {
        unsafe place.pointee.removeUses { unsafe slots.element(at: $0)!.pointee.drop(.request) }
    }
}
