package import CRDMA
import Glibc
import Verbs

/// An open context of the fake device: a pipe that carries one byte for each event.
@safe
struct FakeContext {
    let pipe: FakePipe
    /// Oldest first.
    var events: [FakeEvent] = []
}

/// Something that the fake device reports by itself.
struct FakeEvent {
    /// What an event is about.
    enum Subject: Hashable {
        case completionQueue(UInt32)
        case sharedQueue(UInt32)
        case queuePair(UInt32)
        case port
        case device
    }

    let type: ibv_event_type
    let subject: Subject
}

extension FakeDevice {
    /// Has the completion queue of a queue pair's receives report that it failed; it loses whatever completes from now
    /// on.
    package func failReceiveQueue(of queuePair: UInt32) {
        withState { state in
            guard let handle = state.queuePairs[queuePair]?.receiveQueue else { return }
            state.completionQueues[handle]?.isFailed = true
            state.raise(IBV_EVENT_CQ_ERR, of: .completionQueue(handle))
        }
    }

    /// Has the shared receive queue of a queue pair report that it failed.
    package func failSharedQueue(of queuePair: UInt32) {
        withState { state in
            guard let handle = state.queuePairs[queuePair]?.sharedQueue else { return }
            state.raise(IBV_EVENT_SRQ_ERR, of: .sharedQueue(handle))
        }
    }

    /// Has a queue pair report that it failed, although nothing of it completes with a failure.
    ///
    /// - Parameters:
    ///   - queuePair: its number.
    ///   - event: one of those that say so.
    package func reportFailure(of queuePair: UInt32, as event: ibv_event_type = IBV_EVENT_QP_FATAL) {
        withState { state in state.raise(event, of: .queuePair(queuePair)) }
    }

    /// Has every open context report that the port is there, or that it is not.
    package func reportPort(isActive: Bool) {
        report(FakeEvent(type: isActive ? IBV_EVENT_PORT_ACTIVE : IBV_EVENT_PORT_ERR, subject: .port))
    }

    /// Has every open context report that the device failed.
    package func reportFailureOfDevice() {
        report(FakeEvent(type: IBV_EVENT_DEVICE_FATAL, subject: .device))
    }

    /// Has an event arrive that concerns no owner of anything, of a queue pair or of the port.
    ///
    /// - Parameters:
    ///   - queuePair: whose, unless it is one of the port.
    ///   - choice: which of them.
    package func reportSomething(about queuePair: UInt32, _ choice: Int) {
        let ofQueuePairs = [
            IBV_EVENT_COMM_EST, IBV_EVENT_SQ_DRAINED, IBV_EVENT_PATH_MIG, IBV_EVENT_PATH_MIG_ERR,
        ]
        let ofPorts = [
            IBV_EVENT_LID_CHANGE, IBV_EVENT_PKEY_CHANGE, IBV_EVENT_SM_CHANGE, IBV_EVENT_CLIENT_REREGISTER,
            IBV_EVENT_GID_CHANGE,
        ]
        let index = choice % (ofQueuePairs.count + ofPorts.count)
        if index < ofQueuePairs.count {
            withState { state in state.raise(ofQueuePairs[index], of: .queuePair(queuePair)) }
        } else {
            report(FakeEvent(type: ofPorts[index - ofQueuePairs.count], subject: .port))
        }
    }

    private func report(_ event: FakeEvent) {
        withState { state in
            for handle in state.contexts.keys { state.add(event, to: handle) }
        }
    }

    /// Runs a destroying entry of the table once the events of its object are acknowledged, as the verbs do; after a time
    /// it runs all the same, unlike them.
    func call(_ verb: Verb, whenNone unacknowledged: (State) -> Int?, _ body: (inout State) -> CInt) -> CInt {
        for _ in 0..<10_000 {
            let code: CInt? = withState { state in
                guard unacknowledged(state) ?? 0 == 0 else { return nil }
                return state.call(verb, body)
            }
            if let code { return code }
            usleep(100)
        }
        return call(verb, body)
    }

    /// Adds the entries for events.
    func setEventVerbs(_ verbs: inout DeviceVerbs) {
        unsafe verbs.getEvent = { [self] context, event in
            call(.getDeviceEvent) { state in
                let handle = unsafe UInt32(context.pointee.cmd_fd)
                guard let found = state.contexts[handle] else { return state.refuseUse(.getDeviceEvent) }
                guard let first = found.events.first else { return EAGAIN }
                state.contexts[handle]?.events.removeFirst()
                found.pipe.take()
                unsafe event.pointee = unsafe state.raw(first)
                state.count(1, of: first.subject)
                return 0
            }
        }
        unsafe verbs.acknowledgeEvent = { [self] event in
            withState { state in unsafe state.acknowledge(event.pointee) }
        }
    }
}

extension FakeDevice.State {
    /// Adds an event for the context of its subject.
    mutating func raise(_ type: ibv_event_type, of subject: FakeEvent.Subject) {
        let event = FakeEvent(type: type, subject: subject)
        let context: UnsafeMutablePointer<ibv_context>? =
            switch subject {
            case .completionQueue(let handle): unsafe completionQueues[handle]?.raw.pointee.context
            case .sharedQueue(let handle): unsafe sharedQueues[handle]?.raw.pointee.context
            case .queuePair(let number): unsafe queuePairs[number]?.raw.pointee.context
            case .port, .device: nil
            }
        guard let context = unsafe context else { return }
        add(event, to: unsafe UInt32(context.pointee.cmd_fd))
    }

    fileprivate mutating func add(_ event: FakeEvent, to context: UInt32) {
        contexts[context]?.events.append(event)
        contexts[context]?.pipe.put()
    }

    /// Drops the events of an object that goes, as the kernel does.
    mutating func dropEvents(of subject: FakeEvent.Subject) {
        for (handle, context) in contexts {
            for _ in 0..<context.events.count(where: { event in event.subject == subject }) { context.pipe.take() }
            contexts[handle]?.events.removeAll { event in event.subject == subject }
        }
    }

    /// The event as libibverbs has it.
    fileprivate func raw(_ event: FakeEvent) -> ibv_async_event {
        var raw = unsafe ibv_async_event()
        unsafe raw.event_type = event.type
        switch event.subject {
        case .completionQueue(let handle): unsafe raw.element.cq = unsafe completionQueues[handle]?.raw
        case .sharedQueue(let handle): unsafe raw.element.srq = unsafe sharedQueues[handle]?.raw
        case .queuePair(let number): unsafe raw.element.qp = unsafe queuePairs[number]?.raw
        case .port: unsafe raw.element.port_num = 1
        case .device: break
        }
        return unsafe raw
    }

    fileprivate mutating func acknowledge(_ event: ibv_async_event) {
        switch unsafe event.event_type {
        case IBV_EVENT_CQ_ERR: unsafe count(-1, of: .completionQueue(event.element.cq.pointee.handle))
        case IBV_EVENT_SRQ_ERR, IBV_EVENT_SRQ_LIMIT_REACHED:
            unsafe count(-1, of: .sharedQueue(event.element.srq.pointee.handle))
        case IBV_EVENT_QP_FATAL, IBV_EVENT_QP_REQ_ERR, IBV_EVENT_QP_ACCESS_ERR, IBV_EVENT_QP_LAST_WQE_REACHED,
            IBV_EVENT_COMM_EST, IBV_EVENT_SQ_DRAINED, IBV_EVENT_PATH_MIG, IBV_EVENT_PATH_MIG_ERR:
            unsafe count(-1, of: .queuePair(event.element.qp.pointee.qp_num))
        default: break
        }
    }

    fileprivate mutating func count(_ change: Int, of subject: FakeEvent.Subject) {
        switch subject {
        case .completionQueue(let handle): completionQueues[handle]?.unacknowledgedEvents += change
        case .sharedQueue(let handle): sharedQueues[handle]?.unacknowledgedEvents += change
        case .queuePair(let number): queuePairs[number]?.unacknowledgedEvents += change
        case .port, .device: break
        }
    }
}
