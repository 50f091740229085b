import CRDMA
import Verbs

/// A shared receive queue of the fake device.
@safe
struct FakeSharedQueue {
    let domain: UInt32
    let elements: Int
    let raw: UnsafeMutablePointer<ibv_srq>
    /// How many receives it really holds.
    var slots: Int
    /// Raises an event when it holds fewer receives than this; 0 for never.
    var limit = 0
    /// Not taken by any queue pair, oldest first.
    var receives: [FakeRequest] = []
    var unacknowledgedEvents = 0
}

extension FakeDevice {
    /// The receives that the shared queues hold, by queue, the queue created first coming first.
    package var sharedReceives: [[FakeRequest]] {
        withState { state in
            state.sharedQueues.sorted { left, right in left.key < right.key }.map(\.value.receives)
        }
    }

    /// Has a queue pair take a receive from its shared queue for a message of which more is to come.
    ///
    /// - Parameters:
    ///   - queuePair: Ready to receive or to send.
    ///   - place: Which receive, from the oldest.
    /// - Returns: Whether there was one.
    @discardableResult
    package func beginReceive(_ queuePair: UInt32, at place: Int = 0) -> Bool {
        withState { state in
            guard let request = state.takeReceive(for: queuePair, at: place) else { return false }
            state.queuePairs[queuePair]?.begun = request
            return true
        }
    }

    /// Has queue pairs that enter the error state keep what they have begun to receive until `endReceives`.
    package func holdLastReceives() {
        withState { state in state.holdsLastReceives = true }
    }

    /// Completes as flushed what a queue pair in the error state has begun to receive.
    package func endReceives(of queuePair: UInt32) {
        withState { state in state.endReceives(of: queuePair) }
    }

    /// Adds the entries for shared receive queues.
    func setSharedQueueVerbs(_ verbs: inout QueueVerbs) {
        unsafe verbs.createSharedQueue = { [self] domain, attributes, queue in
            call(.createSharedQueue) { state in
                let asked = unsafe attributes.pointee.attr
                guard (1...Self.attributes.max_srq_wr).contains(CInt(clamping: asked.max_wr)),
                    asked.max_sge <= Self.attributes.max_srq_sge
                else { return EINVAL }
                let raw = unsafe state.allocate(ibv_srq())
                unsafe raw.pointee.context = unsafe domain.pointee.context
                unsafe raw.pointee.srq_context = unsafe attributes.pointee.srq_context
                unsafe raw.pointee.pd = unsafe domain
                unsafe raw.pointee.handle = state.nextHandle()
                // The limit is ignored at creation.
                unsafe state.sharedQueues[raw.pointee.handle] = FakeSharedQueue(
                    domain: domain.pointee.handle, elements: Int(asked.max_sge), raw: raw,
                    slots: grantedDepth(Int(asked.max_wr)))
                unsafe queue.pointee = unsafe raw
                return 0
            }
        }
        unsafe verbs.modifySharedQueue = { [self] queue, attributes, mask in
            call(.modifySharedQueue) { state in
                unsafe state.modifySharedQueue(queue.pointee.handle, attributes.pointee, mask)
            }
        }
        unsafe verbs.querySharedQueue = { [self] queue, attributes in
            call(.querySharedQueue) { state in
                guard let found = unsafe state.sharedQueues[queue.pointee.handle] else {
                    return state.refuseUse(.querySharedQueue)
                }
                unsafe attributes.pointee = ibv_srq_attr(
                    max_wr: UInt32(found.slots), max_sge: UInt32(found.elements), srq_limit: UInt32(found.limit))
                return 0
            }
        }
        unsafe verbs.destroySharedQueue = { [self] queue in
            let handle = unsafe queue.pointee.handle
            return call(.destroySharedQueue, whenNone: { state in state.sharedQueues[handle]?.unacknowledgedEvents }) {
                state in
                state.destroySharedQueue(handle)
            }
        }
    }
}

extension FakeDevice.State {
    fileprivate mutating func modifySharedQueue(
        _ handle: UInt32, _ attributes: ibv_srq_attr, _ mask: CInt
    ) -> CInt {
        guard let found = sharedQueues[handle] else { return refuseUse(.modifySharedQueue) }
        if mask & CInt(IBV_SRQ_MAX_WR.rawValue) != 0 {
            guard attributes.max_wr >= max(found.receives.count, found.limit, 1),
                attributes.max_wr <= FakeDevice.attributes.max_srq_wr
            else { return EINVAL }
            sharedQueues[handle]?.slots = grantedDepth(Int(attributes.max_wr))
        }
        if mask & CInt(IBV_SRQ_LIMIT.rawValue) != 0 {
            guard attributes.srq_limit <= found.slots else { return EINVAL }
            sharedQueues[handle]?.limit = Int(attributes.srq_limit)
        }
        return 0
    }

    fileprivate mutating func destroySharedQueue(_ handle: UInt32) -> CInt {
        guard let found = sharedQueues[handle] else { return refuseUse(.destroySharedQueue) }
        guard !queuePairs.values.contains(where: { queuePair in queuePair.sharedQueue == handle })
        else { return EBUSY }
        if found.unacknowledgedEvents > 0 { violations.append(.destroyedWithUnacknowledgedEvents) }
        dropEvents(of: .sharedQueue(handle))
        sharedQueues[handle] = nil
        return 0
    }

    mutating func takeSharedReceive(_ request: FakeRequest, on handle: UInt32) -> CInt {
        guard let found = sharedQueues[handle] else { return refuseUse(.postSharedReceive) }
        guard found.receives.count < found.slots else { return ENOMEM }
        guard request.elements.count <= found.elements else { return EINVAL }
        sharedQueues[handle]?.receives.append(request)
        return 0
    }

    /// Takes a receive for a message.
    mutating func takeShared(from handle: UInt32, at place: Int) -> FakeRequest? {
        guard var found = sharedQueues[handle], found.receives.indices.contains(place) else { return nil }
        let request = found.receives.remove(at: place)
        let isLow = found.limit > 0 && found.receives.count < found.limit
        if isLow { found.limit = 0 }
        sharedQueues[handle] = found
        if isLow { raise(IBV_EVENT_SRQ_LIMIT_REACHED, of: .sharedQueue(handle)) }
        return request
    }
}
