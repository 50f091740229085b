import CRDMA
import Verbs

extension FakeDevice {
    /// `ibv_post_send`: takes requests until one does not fit.
    func postSend(
        _ queuePair: UnsafeMutablePointer<ibv_qp>, _ requests: UnsafeMutablePointer<ibv_send_wr>,
        _ refused: UnsafeMutablePointer<UnsafeMutablePointer<ibv_send_wr>?>
    ) -> CInt {
        unsafe refused.pointee = unsafe requests
        let number = unsafe queuePair.pointee.qp_num
        return call(.postSend) { state in
            unsafe refused.pointee = nil
            let fault = state.takePostFault(.postSend)
            var index = 0
            var next: UnsafeMutablePointer<ibv_send_wr>? = unsafe requests
            while let request = unsafe next {
                let code =
                    unsafe fault.code(at: index)
                    ?? state.takeSend(FakeRequest(request.pointee, on: number), on: number)
                guard code == 0 else {
                    unsafe refused.pointee = unsafe request
                    state.ringDoorbell(of: number)
                    return code
                }
                unsafe next = unsafe request.pointee.next
                index += 1
            }
            return fault.outcome(state.ringDoorbell(of: number))
        }
    }

    /// `ibv_post_recv`: takes requests until one does not fit.
    func postReceive(
        _ queuePair: UnsafeMutablePointer<ibv_qp>, _ requests: UnsafeMutablePointer<ibv_recv_wr>,
        _ refused: UnsafeMutablePointer<UnsafeMutablePointer<ibv_recv_wr>?>
    ) -> CInt {
        let number = unsafe queuePair.pointee.qp_num
        return unsafe post(requests, refused, .postReceive) { state, request in
            state.takeReceive(request, on: number)
        }
    }

    /// `ibv_post_srq_recv`: takes requests until one does not fit.
    func postSharedReceive(
        _ queue: UnsafeMutablePointer<ibv_srq>, _ requests: UnsafeMutablePointer<ibv_recv_wr>,
        _ refused: UnsafeMutablePointer<UnsafeMutablePointer<ibv_recv_wr>?>
    ) -> CInt {
        let handle = unsafe queue.pointee.handle
        return unsafe post(requests, refused, .postSharedReceive) { state, request in
            state.takeSharedReceive(request, on: handle)
        }
    }

    private func post(
        _ requests: UnsafeMutablePointer<ibv_recv_wr>,
        _ refused: UnsafeMutablePointer<UnsafeMutablePointer<ibv_recv_wr>?>, _ verb: Verb,
        _ take: (inout State, FakeRequest) -> CInt
    ) -> CInt {
        unsafe refused.pointee = unsafe requests
        return call(verb) { state in
            unsafe refused.pointee = nil
            let fault = state.takePostFault(verb)
            var index = 0
            var next: UnsafeMutablePointer<ibv_recv_wr>? = unsafe requests
            while let request = unsafe next {
                let code =
                    unsafe fault.code(at: index) ?? take(&state, FakeRequest(request.pointee))
                guard code == 0 else {
                    unsafe refused.pointee = unsafe request
                    return code
                }
                unsafe next = unsafe request.pointee.next
                index += 1
            }
            return fault.outcome(0)
        }
    }
}

extension FakeDevice.State {
    fileprivate mutating func takeSend(_ request: FakeRequest?, on number: UInt32) -> CInt {
        guard let queuePair = queuePairs[number] else { return refuseUse(.postSend) }
        guard let request else { return EINVAL }
        guard queuePair.sends.count < queuePair.sendSlots else { return ENOMEM }
        guard request.elements.count <= queuePair.capacity.sendElements else { return EINVAL }
        guard
            !request.flags.contains(.inline)
                || request.byteCount <= UInt64(queuePair.capacity.inlineBytes)
        else { return EINVAL }
        queuePairs[number]?.sends.append(request)
        return 0
    }

    fileprivate mutating func takeReceive(_ request: FakeRequest, on number: UInt32) -> CInt {
        guard let queuePair = queuePairs[number] else { return refuseUse(.postReceive) }
        guard queuePair.state != .reset, queuePair.sharedQueue == nil else { return EINVAL }
        guard queuePair.receives.count < queuePair.receiveSlots else { return ENOMEM }
        guard request.elements.count <= queuePair.capacity.receiveElements else { return EINVAL }
        queuePairs[number]?.receives.append(request)
        return 0
    }

    /// Makes the device look at the send queue.
    ///
    /// Below the ready-to-send state rxe reports an error, and the requests stay in the queue. In
    /// the error state they are flushed, whereas receives are flushed only when that state is
    /// entered.
    @discardableResult
    fileprivate mutating func ringDoorbell(of number: UInt32) -> CInt {
        switch queuePairs[number]?.state {
        case .readyToSend:
            if carriesOutSendsAtOnce { carryOutSends(of: number, atMost: .max) }
            return 0
        case .error:
            flushSends(of: number)
            return 0
        default:
            return EINVAL
        }
    }
}
