import CRDMA
package import Verbs

extension FakeDevice {
    /// Carries out send requests, oldest first, as long as they succeed.
    ///
    /// A request with a wrong key, range or window fails the queue pair, as the device would.
    /// - Parameters:
    ///   - queuePair: Ready to send; in another state nothing happens.
    ///   - sends: How many at most.
    /// - Returns: How many requests left the queue, flushed ones not counted.
    @discardableResult
    package func complete(_ queuePair: UInt32, sends: Int = 1) -> Int {
        withState { state in state.carryOutSends(of: queuePair, atMost: sends) }
    }

    /// Has a message arrive in the oldest receive.
    ///
    /// - Parameters:
    ///   - queuePair: Ready to receive or to send; in another state nothing happens.
    ///   - byteCount: The length of the message; one that does not fit fails the queue pair.
    ///   - key: The key that the peer invalidates with it; one that is not bound on this queue pair
    ///     fails it.
    ///   - isSolicited: Whether the peer marked the message so.
    ///   - place: Which receive of a shared queue it takes, from the oldest; there is no order
    ///     between the queue pairs that use it.
    /// - Returns: Whether there was a receive for it.
    @discardableResult
    package func completeReceive(
        _ queuePair: UInt32, byteCount: UInt32 = 0, invalidating key: UInt32? = nil,
        isSolicited: Bool = false, at place: Int = 0
    ) -> Bool {
        withState { state in
            guard let request = state.takeReceive(for: queuePair, at: place) else { return false }
            state.receive(
                FakeMessage(byteCount: byteCount, invalidatedKey: key, isSolicited: isSolicited),
                in: request, on: queuePair)
            return true
        }
    }

    /// Lets events of completion queues be moderated.
    package func allowModeration(upTo limits: Moderation) {
        withState { state in state.moderationLimits = limits }
    }

    /// The moderations that were set, oldest first.
    package var moderations: [Moderation] { withState { state in state.moderations } }

    /// Fails the oldest send request, and flushes everything else that the queue pair holds.
    ///
    /// As on rxe, receives that are posted after this are flushed only when the queue pair is told
    /// to enter the error state.
    /// - Parameters:
    ///   - queuePair: In any state. Without a send request it fails all the same.
    ///   - status: What the failing request reports.
    package func fail(_ queuePair: UInt32, status: CompletionStatus = .retriesExceeded) {
        withState { state in
            guard state.queuePairs[queuePair] != nil else { return }
            state.failSend(of: queuePair, status)
        }
    }
}

/// A message that arrives.
struct FakeMessage {
    let byteCount: UInt32
    let invalidatedKey: UInt32?
    let isSolicited: Bool
}

extension FakeDevice.State {
    /// Carries out the oldest sends of a queue pair, and says how many.
    @discardableResult
    mutating func carryOutSends(of number: UInt32, atMost limit: Int) -> Int {
        var count = 0
        while count < limit, let queuePair = queuePairs[number], queuePair.state == .readyToSend,
            let request = queuePair.sends.first
        {
            let status = carryOut(request, on: number)
            count += 1
            guard status == .success else {
                failSend(of: number, status)
                break
            }
            queuePairs[number]?.sends.removeFirst()
            if request.flags.contains(.signaled) {
                complete(request, on: number, .success)
            }
        }
        return count
    }

    /// Takes the receive for a message that arrives; `nil` where there is none, or no message can arrive.
    mutating func takeReceive(for number: UInt32, at place: Int) -> FakeRequest? {
        guard let queuePair = queuePairs[number],
            queuePair.state == .readyToReceive || queuePair.state == .readyToSend
        else { return nil }
        if let begun = queuePair.begun {
            queuePairs[number]?.begun = nil
            return begun
        }
        if let handle = queuePair.sharedQueue { return takeShared(from: handle, at: place) }
        guard let request = queuePair.receives.first else { return nil }
        queuePairs[number]?.receives.removeFirst()
        return request
    }

    /// Lets a message arrive in a receive.
    fileprivate mutating func receive(_ message: FakeMessage, in request: FakeRequest, on number: UInt32) {
        let status = outcome(of: message, in: request, on: number)
        complete(request, on: number, status, message)
        if status != .success { enterError(number) }
    }

    /// Completes a receive with a failure.
    mutating func failReceive(_ request: FakeRequest, of number: UInt32, _ status: CompletionStatus) {
        complete(request, on: number, status)
        enterError(number)
    }

    private mutating func outcome(
        of message: FakeMessage, in request: FakeRequest, on number: UInt32
    ) -> CompletionStatus {
        let status = check(request, on: number)
        guard status == .success, UInt64(message.byteCount) <= request.byteCount else {
            return .localQueuePairOperationError
        }
        guard let key = message.invalidatedKey else { return .success }
        guard let window = windows[key >> 8], window.key == key,
            window.binding?.queuePair == number
        else { return .remoteInvalidRequest }
        windows[key >> 8]?.binding = nil
        return .success
    }

    /// Completes the oldest send with an error, and flushes the rest.
    fileprivate mutating func failSend(of number: UInt32, _ status: CompletionStatus) {
        if let request = queuePairs[number]?.sends.first {
            queuePairs[number]?.sends.removeFirst()
            complete(request, on: number, status)
        }
        enterError(number)
    }

    mutating func enterError(_ number: UInt32) {
        guard let before = queuePairs[number]?.state else { return }
        queuePairs[number]?.state = .error
        flush(number, from: before)
    }

    /// Flushes what a queue pair holds that has entered the error state.
    mutating func flush(_ number: UInt32, from before: QueuePairState) {
        flushReceives(of: number)
        flushSends(of: number)
        if before != .error, !holdsLastReceives { endReceives(of: number) }
    }

    /// Completes what the queue pair has taken from a shared queue, and says that it was the last, where adapters do.
    mutating func endReceives(of number: UInt32) {
        guard let queuePair = queuePairs[number], queuePair.sharedQueue != nil else { return }
        if let begun = queuePair.begun {
            queuePairs[number]?.begun = nil
            complete(begun, on: number, .flushed)
        }
        if reportsLastReceives { raise(IBV_EVENT_QP_LAST_WQE_REACHED, of: .queuePair(number)) }
    }

    /// Completes every receive as flushed.
    mutating func flushReceives(of number: UInt32) {
        guard let requests = queuePairs[number]?.receives else { return }
        queuePairs[number]?.receives = []
        for request in requests { complete(request, on: number, .flushed) }
    }

    /// Completes every send as flushed, signaled or not.
    mutating func flushSends(of number: UInt32) {
        guard let requests = queuePairs[number]?.sends else { return }
        queuePairs[number]?.sends = []
        for request in requests { complete(request, on: number, .flushed) }
    }

    /// Adds the completion of a request to its queue.
    mutating func complete(
        _ request: FakeRequest, on number: UInt32, _ status: CompletionStatus,
        _ message: FakeMessage? = nil
    ) {
        guard let queuePair = queuePairs[number], completedEarly.remove(request.identifier) == nil else { return }
        let isReceive = request.operation == .receive
        var completion = ibv_wc()
        completion.wr_id = request.identifier
        completion.status = ibv_wc_status(status.rawValue)
        completion.qp_num = number
        // As on rxe, nothing else is filled in after a failure.
        if status == .success {
            completion.opcode = request.completionOperation
            completion.byte_len =
                message?.byteCount ?? UInt32(truncatingIfNeeded: request.byteCount)
            if isReceive { completion.wc_flags = IBV_WC_GRH.rawValue }
            if let key = message?.invalidatedKey {
                completion.invalidated_rkey = key
                // rxe of Linux 6.1 sets the kernel's bit here, not IBV_WC_WITH_INV.
                completion.wc_flags |= 1 << 2
            }
        }
        let isSolicited = isReceive && (message?.isSolicited ?? false || status != .success)
        let queue = isReceive ? queuePair.receiveQueue : queuePair.sendQueue
        if status == .flushed, flushesLate {
            late.append(FakeLateCompletion(completion: completion, queue: queue, isSolicited: isSolicited))
        } else {
            push(completion, to: queue, isSolicited: isSolicited)
        }
    }
}
