import CRDMA
import Glibc
import Verbs

/// A completion channel of the fake device: a pipe that carries one byte for each event.
@safe
struct FakeChannel {
    var pipe: FakePipe
    /// The queues with an event, oldest first.
    var events: [UnsafeMutablePointer<ibv_cq>] = unsafe []
}

/// A completion queue of the fake device.
@safe
struct FakeCompletionQueue {
    /// What an armed queue waits for.
    enum Arming {
        case solicited
        case any
    }

    let raw: UnsafeMutablePointer<ibv_cq>
    var completions: [ibv_wc] = []
    var arming: Arming?
    var unacknowledgedEvents = 0
    /// Whether it loses whatever completes from now on.
    var isFailed = false
}

extension FakeDevice {
    /// The entries for completion channels and queues of all kinds.
    var queueVerbs: QueueVerbs {
        var verbs = QueueVerbs.system
        setChannelVerbs(&verbs)
        setCompletionQueueVerbs(&verbs)
        setSharedQueueVerbs(&verbs)
        setQueuePairVerbs(&verbs)
        return verbs
    }

    private func setChannelVerbs(_ verbs: inout QueueVerbs) {
        unsafe verbs.createChannel = { [self] context, channel in
            call(.createCompletionChannel) { state in
                let pipe = FakePipe()
                unsafe state.channels[pipe.readEnd] = FakeChannel(pipe: pipe)
                unsafe channel.pointee = unsafe state.allocate(
                    ibv_comp_channel(context: context, fd: pipe.readEnd, refcnt: 0))
                return 0
            }
        }
        unsafe verbs.destroyChannel = { [self] channel in
            call(.destroyCompletionChannel) { state in
                unsafe state.destroyChannel(channel)
            }
        }
        unsafe verbs.getEvent = { [self] channel, queue, identifier in
            call(.getCompletionEvent) { state in
                unsafe state.takeEvent(of: channel, &queue.pointee, &identifier.pointee)
            }
        }
        unsafe verbs.acknowledgeEvents = { [self] queue, count in
            withState { state in
                unsafe state.completionQueues[queue.pointee.handle]?.unacknowledgedEvents -=
                    Int(count)
            }
        }
    }

    private func setCompletionQueueVerbs(_ verbs: inout QueueVerbs) {
        unsafe verbs.createCompletionQueue = {
            [self] context, depth, identifier, channel, vector, queue in
            call(.createCompletionQueue) { state in
                guard (1...Self.attributes.max_cqe).contains(depth), (0..<4).contains(vector)
                else { return EINVAL }
                let raw = unsafe state.allocate(ibv_cq())
                unsafe raw.pointee.context = unsafe context
                unsafe raw.pointee.channel = unsafe channel
                unsafe raw.pointee.cq_context = unsafe identifier
                unsafe raw.pointee.handle = state.nextHandle()
                unsafe raw.pointee.cqe = CInt(grantedDepth(Int(depth)))
                unsafe state.completionQueues[raw.pointee.handle] = FakeCompletionQueue(raw: raw)
                unsafe queue.pointee = unsafe raw
                return 0
            }
        }
        unsafe verbs.resizeCompletionQueue = { [self] queue, depth in
            call(.resizeCompletionQueue) { state in
                guard let found = unsafe state.completionQueues[queue.pointee.handle]
                else { return state.refuseUse(.resizeCompletionQueue) }
                guard depth >= found.completions.count, depth <= Self.attributes.max_cqe
                else { return EINVAL }
                unsafe queue.pointee.cqe = CInt(grantedDepth(Int(depth)))
                return 0
            }
        }
        unsafe verbs.moderateCompletionQueue = { [self] _, count, microseconds in
            call(.modifyCompletionQueue) { state in
                guard state.moderationLimits.isOn else { return EOPNOTSUPP }
                guard count <= state.moderationLimits.count, microseconds <= state.moderationLimits.microseconds
                else { return EINVAL }
                state.moderations.append(Moderation(count: count, microseconds: microseconds))
                return 0
            }
        }
        unsafe verbs.destroyCompletionQueue = { [self] queue in
            let handle = unsafe queue.pointee.handle
            return call(
                .destroyCompletionQueue, whenNone: { state in state.completionQueues[handle]?.unacknowledgedEvents }
            ) { state in
                state.destroyCompletionQueue(handle)
            }
        }
    }

    /// `ibv_poll_cq`.
    func poll(
        _ queue: UnsafeMutablePointer<ibv_cq>, _ capacity: CInt,
        _ completions: UnsafeMutablePointer<ibv_wc>
    ) -> CInt {
        withState { state in
            state.calls[.pollCompletionQueue, default: 0] += 1
            let handle = unsafe queue.pointee.handle
            guard state.takeFault(.pollCompletionQueue) == nil else {
                state.loseCompletions(ofFailed: handle)
                return -1
            }
            guard let found = state.completionQueues[handle] else {
                return -state.refuseUse(.pollCompletionQueue)
            }
            let taken = found.completions.prefix(Int(capacity))
            for (index, completion) in taken.enumerated() {
                unsafe completions[index] = completion
            }
            state.completionQueues[handle]?.completions.removeFirst(taken.count)
            return CInt(taken.count)
        }
    }

    /// `ibv_req_notify_cq`. An arm that waits for more replaces one that waits for less.
    func arm(_ queue: UnsafeMutablePointer<ibv_cq>, _ solicitedOnly: Bool) -> CInt {
        call(.armCompletionQueue) { state in
            let handle = unsafe queue.pointee.handle
            guard let found = state.completionQueues[handle] else {
                return state.refuseUse(.armCompletionQueue)
            }
            let isForAny = !solicitedOnly || found.arming == .any
            state.completionQueues[handle]?.arming = isForAny ? .any : .solicited
            return 0
        }
    }
}

extension FakeDevice.State {
    fileprivate mutating func destroyChannel(
        _ channel: UnsafeMutablePointer<ibv_comp_channel>
    ) -> CInt {
        guard let found = unsafe channels[channel.pointee.fd] else {
            return refuseUse(.destroyCompletionChannel)
        }
        let isUsed = completionQueues.values.contains { queue in
            unsafe queue.raw.pointee.channel == channel
        }
        guard !isUsed else { return EBUSY }
        found.pipe.close()
        unsafe channels[channel.pointee.fd] = nil
        return 0
    }

    fileprivate mutating func takeEvent(
        of channel: UnsafeMutablePointer<ibv_comp_channel>,
        _ queue: inout UnsafeMutablePointer<ibv_cq>?, _ identifier: inout UnsafeMutableRawPointer?
    ) -> CInt {
        let descriptor = unsafe channel.pointee.fd
        guard let found = channels[descriptor] else {
            return refuseUse(.getCompletionEvent)
        }
        guard let event = unsafe found.events.first else { return EAGAIN }
        unsafe channels[descriptor]?.events.removeFirst()
        found.pipe.take()
        unsafe queue = unsafe event
        unsafe identifier = unsafe event.pointee.cq_context
        unsafe completionQueues[event.pointee.handle]?.unacknowledgedEvents += 1
        return 0
    }

    fileprivate mutating func destroyCompletionQueue(_ handle: UInt32) -> CInt {
        guard let found = completionQueues[handle] else {
            return refuseUse(.destroyCompletionQueue)
        }
        let isUsed = queuePairs.values.contains { queuePair in
            queuePair.sendQueue == handle || queuePair.receiveQueue == handle
        }
        guard !isUsed else { return EBUSY }
        if found.unacknowledgedEvents > 0 {
            violations.append(.destroyedWithUnacknowledgedEvents)
        }
        dropEvents(of: .completionQueue(handle))
        if let channel = unsafe found.raw.pointee.channel {
            // The library drops events of a queue that goes away.
            unsafe channels[channel.pointee.fd]?.dropEvents(of: found.raw)
        }
        completionQueues[handle] = nil
        return 0
    }

    /// Loses what is in a queue that has failed, and that nobody can be expected to poll until it succeeds.
    fileprivate mutating func loseCompletions(ofFailed handle: UInt32) {
        guard let found = completionQueues[handle], found.isFailed else { return }
        for completion in found.completions { lostCompletions[completion.qp_num, default: 0] += 1 }
        completionQueues[handle]?.completions = []
    }

    /// Adds a completion to a queue, and an event to its channel when the queue is armed for it.
    mutating func push(_ completion: ibv_wc, to handle: UInt32, isSolicited: Bool) {
        guard let found = completionQueues[handle] else { return }
        guard !found.isFailed, !takeLoss(of: completion.qp_num) else {
            lostCompletions[completion.qp_num, default: 0] += 1
            return
        }
        guard unsafe found.completions.count < Int(found.raw.pointee.cqe) else {
            violations.append(
                .lostCompletion(queuePair: completion.qp_num, identifier: completion.wr_id))
            return
        }
        completionQueues[handle]?.completions.append(completion)
        guard let arming = found.arming, arming == .any || isSolicited,
            let channel = unsafe found.raw.pointee.channel
        else { return }
        completionQueues[handle]?.arming = nil
        unsafe channels[channel.pointee.fd]?.add(found.raw)
    }
}

extension FakeChannel {
    fileprivate mutating func add(_ queue: UnsafeMutablePointer<ibv_cq>) {
        unsafe events.append(queue)
        pipe.put()
    }

    fileprivate mutating func dropEvents(of queue: UnsafeMutablePointer<ibv_cq>) {
        let count = unsafe events.count { event in unsafe event == queue }
        for _ in 0..<count { pipe.take() }
        unsafe events.removeAll { event in unsafe event == queue }
    }
}

/// The depth that rxe grants: one less than the next power of two above what was asked for.
func grantedDepth(_ asked: Int) -> Int {
    var granted = 1
    while granted < asked { granted = granted * 2 + 1 }
    return granted
}
