import CRDMA
import Verbs

/// A queue pair of the fake device.
@safe
struct FakeQueuePair {
    let domain: UInt32
    let sendQueue: UInt32
    let receiveQueue: UInt32
    /// Where its receives are posted, if not to itself.
    let sharedQueue: UInt32?
    let raw: UnsafeMutablePointer<ibv_qp>
    /// What it says that it holds.
    let capacity: QueuePairCapacity
    var state = QueuePairState.reset
    /// Not carried out, oldest first.
    var sends: [FakeRequest] = []
    /// Not carried out, oldest first.
    var receives: [FakeRequest] = []
    /// Taken from the shared queue for a message that has not arrived completely.
    var begun: FakeRequest?
    var unacknowledgedEvents = 0
    /// Whether it was to enter the error state, and that failed.
    var isErrorRefused = false

    /// What it really holds: rxe rounds the depths up and does not say so.
    var sendSlots: Int { grantedDepth(capacity.sendDepth) }
    /// As above.
    var receiveSlots: Int { grantedDepth(capacity.receiveDepth) }
}

extension FakeDevice {
    /// The send requests that a queue pair holds, oldest first.
    package func sends(on queuePair: UInt32) -> [FakeRequest] {
        withState { state in state.queuePairs[queuePair]?.sends ?? [] }
    }

    /// The receive requests that a queue pair holds, oldest first.
    package func receives(on queuePair: UInt32) -> [FakeRequest] {
        withState { state in state.queuePairs[queuePair]?.receives ?? [] }
    }

    /// The numbers of the queue pairs, oldest first.
    package var queuePairNumbers: [UInt32] {
        withState { state in state.queuePairs.keys.sorted() }
    }

    /// Adds the entries for queue pairs.
    func setQueuePairVerbs(_ verbs: inout QueueVerbs) {
        unsafe verbs.createQueuePair = { [self] domain, attributes, queuePair in
            call(.createQueuePair) { state in
                guard let capacity = unsafe Self.granted(QueuePairCapacity(attributes.pointee.cap))
                else { return EINVAL }
                let number = 16 + state.nextHandle()
                let raw = unsafe state.allocate(ibv_qp())
                unsafe state.queuePairs[number] = FakeQueuePair(
                    domain: domain.pointee.handle,
                    sendQueue: attributes.pointee.send_cq.pointee.handle,
                    receiveQueue: attributes.pointee.recv_cq.pointee.handle,
                    sharedQueue: attributes.pointee.srq?.pointee.handle, raw: raw, capacity: capacity)
                unsafe raw.pointee.context = unsafe domain.pointee.context
                unsafe raw.pointee.qp_context = unsafe attributes.pointee.qp_context
                unsafe raw.pointee.srq = unsafe attributes.pointee.srq
                unsafe raw.pointee.pd = unsafe domain
                unsafe raw.pointee.qp_num = number
                unsafe attributes.pointee.cap = capacity.raw
                unsafe queuePair.pointee = unsafe raw
                return 0
            }
        }
        unsafe verbs.modifyQueuePair = { [self] queuePair, attributes, mask in
            let number = unsafe queuePair.pointee.qp_num
            let code = call(.modifyQueuePair) { state in unsafe state.modify(number, attributes.pointee, mask) }
            if code != 0, unsafe attributes.pointee.qp_state == IBV_QPS_ERR {
                withState { state in state.queuePairs[number]?.isErrorRefused = true }
            }
            return code
        }
        unsafe verbs.queryQueuePair = { [self] queuePair, attributes, _, _ in
            call(.queryQueuePair) { state in
                guard let found = unsafe state.queuePairs[queuePair.pointee.qp_num] else {
                    return state.refuseUse(.queryQueuePair)
                }
                unsafe attributes.pointee.qp_state = found.state.raw
                return 0
            }
        }
        unsafe verbs.destroyQueuePair = { [self] queuePair in
            let number = unsafe queuePair.pointee.qp_num
            return call(.destroyQueuePair, whenNone: { state in state.queuePairs[number]?.unacknowledgedEvents }) {
                state in
                state.destroyQueuePair(number)
            }
        }
    }

    /// What rxe grants, or `nil` beyond its limits.
    private static func granted(_ asked: QueuePairCapacity) -> QueuePairCapacity? {
        guard
            (0...Int(attributes.max_qp_wr)).contains(max(asked.sendDepth, asked.receiveDepth)),
            (0...Int(attributes.max_sge)).contains(max(asked.sendElements, asked.receiveElements)),
            (0...512).contains(asked.inlineBytes)
        else { return nil }
        // Inline data lies where the elements would.
        let room = max(asked.sendElements * MemoryLayout<ibv_sge>.stride, asked.inlineBytes)
        return QueuePairCapacity(
            sendDepth: asked.sendDepth, receiveDepth: asked.receiveDepth,
            sendElements: room / MemoryLayout<ibv_sge>.stride,
            receiveElements: asked.receiveElements, inlineBytes: room)
    }
}

extension FakeDevice.State {
    fileprivate mutating func modify(_ number: UInt32, _ attributes: ibv_qp_attr, _ mask: CInt)
        -> CInt
    {
        guard let state = queuePairs[number]?.state else { return refuseUse(.modifyQueuePair) }
        let next = QueuePairState(attributes.qp_state)
        guard let needed = Self.attributesNeeded(from: state, to: next),
            mask & needed == needed
        else { return EINVAL }
        queuePairs[number]?.state = next
        switch next {
        case .error:
            flush(number, from: state)
        case .reset:
            queuePairs[number]?.sends = []
            queuePairs[number]?.receives = []
        default:
            break
        }
        return 0
    }

    /// The attributes without which the kernel refuses a step; `nil` for a step that does not
    /// exist.
    private static func attributesNeeded(from: QueuePairState, to: QueuePairState) -> CInt? {
        let bits: [ibv_qp_attr_mask]
        switch (from, to) {
        case (_, .error), (_, .reset):
            bits = []
        case (.reset, .initialized):
            bits = [IBV_QP_PKEY_INDEX, IBV_QP_PORT, IBV_QP_ACCESS_FLAGS]
        case (.initialized, .initialized):
            bits = []
        case (.initialized, .readyToReceive):
            bits = [
                IBV_QP_AV, IBV_QP_PATH_MTU, IBV_QP_DEST_QPN, IBV_QP_RQ_PSN,
                IBV_QP_MAX_DEST_RD_ATOMIC, IBV_QP_MIN_RNR_TIMER,
            ]
        case (.readyToReceive, .readyToSend):
            bits = [
                IBV_QP_TIMEOUT, IBV_QP_RETRY_CNT, IBV_QP_RNR_RETRY, IBV_QP_SQ_PSN,
                IBV_QP_MAX_QP_RD_ATOMIC,
            ]
        default:
            return nil
        }
        return bits.reduce(CInt(IBV_QP_STATE.rawValue)) { mask, bit in
            mask | CInt(bit.rawValue)
        }
    }

    /// Drops what the queue pair holds, without completions; those that are queued stay.
    fileprivate mutating func destroyQueuePair(_ number: UInt32) -> CInt {
        guard let found = queuePairs.removeValue(forKey: number) else {
            return refuseUse(.destroyQueuePair)
        }
        if found.unacknowledgedEvents > 0 { violations.append(.destroyedWithUnacknowledgedEvents) }
        noteEnd(of: found, number)
        dropEvents(of: .queuePair(number))
        for window in windows.values where window.binding?.queuePair == number {
            violations.append(.destroyedUnderWindow(queuePair: number, key: window.key))
        }
        return 0
    }
}
