import Glibc
public import Synchronization
import Tracking
import Verbs

/// A queue pair as the threads share it: its user's, the poller's, the reaper's, and the connection's.
@usableFromInline
final class QueuePairCore: Sendable {
    let adapter: Adapter
    let sendCompletions: CompletionQueueCore
    let receiveCompletions: CompletionQueueCore
    /// Where its receives are posted, unless it has a receive queue of its own.
    let sharedReceives: SharedReceiveQueueCore?
    let queuePair: Verbs.QueuePair
    /// The number by which the device and the kernel know the queue pair; a copy, because others ask while it ends.
    let number: UInt32
    let capacity: QueuePairCapacity
    let sendQueue: QueueID
    let receiveQueue: QueueID

    private let state = Atomic<UInt8>(State.created.rawValue)
    /// The last send that will produce a completion whatever happens.
    @usableFromInline let lastSignaled = Atomic<UInt64>(0)
    /// How many accepted sends wait for the next doorbell: the latest ones of the send queue.
    let deferredCount = Atomic<Int>(0)
    /// Sends whose posts succeeded and which the device will never see. They complete as flushed when the queue pair
    /// ends, after everything that the device has.
    let unposted = Monitor<[Tracking.Request]>([])
    /// Outbound reads that the connection allows.
    @usableFromInline let outboundReads = Atomic<UInt8>(0)
    /// The first sequence number of a connection made by hand.
    let packetSequenceNumber = UInt32.random(in: 0..<(1 << 24))
    /// Binds and invalidations whose completions are still to come.
    let bindingOperations = Monitor<[WireID: BindingOperation]>([:])
    /// What is bound here, or about to be.
    let bindings = Monitor<[ObjectIdentifier: BindingCore]>([:])
    let marker: Monitor<MarkerPath>
    /// Whether the device takes no more from the shared receive queue for this queue pair.
    let isLastReceiveReached = Monitor(false)
    /// Told once when the queue pair ends; set by the connection that uses it.
    let connectionHook = Monitor<(@Sendable () -> Void)?>(nil)
    private let ending = Monitor(Ending())

    enum State: UInt8 {
        /// Receives may be posted.
        case created
        case connected
        /// A request failed, or the connection ended; everything outstanding is being flushed.
        case ended
    }

    private struct Ending {
        var isClosing = false
        /// Threads that are inside `whileOpen`; the queue pair is destroyed after the last one left.
        var insideCount = 0
    }

    init(
        adapter: Adapter, sendCompletions: CompletionQueueCore, receiveCompletions: CompletionQueueCore,
        sharedReceives: SharedReceiveQueueCore?, capacity: QueuePairCapacity
    ) throws(AdapterError) {
        self.adapter = adapter
        self.sendCompletions = sendCompletions
        self.receiveCompletions = receiveCompletions
        self.sharedReceives = sharedReceives
        self.capacity = capacity
        try Self.reserveRoom(capacity, sendCompletions, receiveCompletions, sharedReceives)
        do throws(AdapterError) {
            (sendQueue, receiveQueue) = try Self.openTimelines(capacity, in: adapter.core)
            do throws(VerbError) {
                queuePair = try Self.create(
                    capacity, on: adapter, sendQueue: sendCompletions.queue, receiveQueue: receiveCompletions.queue,
                    sharedQueue: sharedReceives?.sharedQueue, identifier: sendQueue)
            } catch {
                adapter.core.mappings.closeQueue(sendQueue)
                adapter.core.mappings.closeQueue(receiveQueue)
                throw AdapterError(error)
            }
        } catch {
            Self.unreserveRoom(capacity, sendCompletions, receiveCompletions, sharedReceives)
            throw error
        }
        number = queuePair.number
        // Sends wait for the connection at the gate that every post passes anyway.
        adapter.core.queues.bar(sendQueue)
        marker = Monitor(
            MarkerPath(queue: sendQueue, depth: Self.deviceSendDepth(capacity), mappings: adapter.core.mappings))
        adapter.core.children.withLock {
            $0.queuePairs[sendQueue] = self
            $0.queuePairs[receiveQueue] = self
        }
        sharedReceives?.attach(self)
    }

    func side(of queue: QueueID) -> QueueSide {
        queue == sendQueue ? .send : .receive
    }

    // MARK: State

    @inline(__always)
    var isConnected: Bool { state.load(ordering: .acquiring) == State.connected.rawValue }

    /// Says why the queue pair refuses posts for the time being.
    func waitWhileConnecting() throws(PostError) {
        switch state.load(ordering: .acquiring) {
        case State.created.rawValue: throw .notConnected
        // In a moment.
        case State.connected.rawValue: sched_yield()
        default: throw .ended
        }
    }

    /// Whether nothing can be posted any more.
    var hasEnded: Bool { state.load(ordering: .acquiring) == State.ended.rawValue }

    /// Lets sends be posted.
    func noteConnected(outboundReads: UInt8) {
        self.outboundReads.store(outboundReads, ordering: .relaxed)
        let (exchanged, _) = state.compareExchange(
            expected: State.created.rawValue, desired: State.connected.rawValue, ordering: .acquiringAndReleasing)
        if exchanged { adapter.core.queues.unbar(sendQueue) }
    }

    /// A request failed: refuses further posts and has everything outstanding flushed.
    ///
    /// Called by a poller, who must not wait for a poster; therefore another thread does the rest.
    func noteFailure() {
        guard state.exchange(State.ended.rawValue, ordering: .acquiringAndReleasing) != State.ended.rawValue else {
            return
        }
        adapter.core.queues.bar(sendQueue)
        adapter.core.queues.bar(receiveQueue)
        adapter.errands.run { self.endPosting() }
    }

    /// Refuses further posts, waits for those under way, and moves the queue pair to the error state.
    ///
    /// Does nothing once somebody closes the queue pair, who does the same first.
    func endPosting() {
        whileOpen { flush() }
    }

    /// Runs `body` while the queue pair is certainly there.
    ///
    /// - Returns: nil, and nothing was run, once somebody closes it.
    @discardableResult
    private func whileOpen<Result, Failure>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result? {
        let isOpen = ending.withLock { ending in
            if !ending.isClosing { ending.insideCount += 1 }
            return !ending.isClosing
        }
        guard isOpen else { return nil }
        defer {
            ending.withLock { $0.insideCount -= 1 }
            ending.signal()
        }
        return try body()
    }

    /// A receive that was posted after the device gave up is flushed by this second move only (T14).
    private func flush() {
        state.store(State.ended.rawValue, ordering: .releasing)
        let queues = adapter.core.queues
        for queue in [sendQueue, receiveQueue] {
            while !queues.hold(queue, evenIfBarred: true), !queues.isShut(queue) { sched_yield() }
            adapter.core.barrier?.issue()
            while queues.isPosting(queue) { sched_yield() }
            queues.shut(queue)
        }
        withdrawDeferred()
        // Unsignaled requests that the device is done with already are not flushed either. Where the device refuses the
        // marker, closing takes longer.
        for _ in 0..<3 where hasUnsignaledTail { postMarker() }
        enterError()
        retireBindings()
        completeUnposted()
        connectionHook.withLock { $0.take() }?()
    }

    /// Has the device flush what is outstanding, however often it refuses: before that, a bind that is posted may name
    /// what the end of its binding unpins. A device that has failed as a whole carries nothing out any more.
    private func enterError() {
        var attempt = 1
        while true {
            do { return try queuePair.modify(.error) } catch {
                adapter.core.noteRefusedDestruction(of: "queue pair \(number)", error, attempt: attempt)
                guard !adapter.core.hasDeviceFailed.load(ordering: .acquiring) else { return }
                attempt += 1
                usleep(1000)
            }
        }
    }

    /// Changes the state of the queue pair.
    ///
    /// - Throws: `EINVAL` also when somebody closes it.
    func modify(_ attributes: QueuePairAttributes) throws(VerbError) {
        let isDone: Void? = try whileOpen { () throws(VerbError) in try queuePair.modify(attributes) }
        guard isDone != nil else { throw VerbError(.modifyQueuePair, EINVAL) }
    }

    // MARK: The reaper's help

    /// Does what nobody else may be doing so that requests of the queue are retired.
    func help(_ queue: QueueID) {
        guard queue == sendQueue else { return receiveCompletions.pollForUser() }
        postMarkerIfNeeded()
        sendCompletions.pollForUser()
    }

    /// Posts a signaled zero-length write behind an unsignaled tail, which would never complete by itself (T5).
    private func postMarkerIfNeeded() {
        let queues = adapter.core.queues
        guard isConnected, hasUnsignaledTail, queues.hold(sendQueue) else { return }
        defer {
            queues.release(sendQueue)
            // A failure meanwhile found the queue held.
            if !isConnected { queues.bar(sendQueue) }
        }
        adapter.core.barrier?.issue()
        guard !queues.isPosting(sendQueue), deferredCount.load(ordering: .acquiring) == 0, isConnected else { return }
        postMarker()
    }

    private var hasUnsignaledTail: Bool {
        lastSignaled.load(ordering: .acquiring) < adapter.core.queues.posted(sendQueue)
    }

    /// The caller keeps the poster out.
    private func postMarker() {
        let position = marker.withLock { $0.post(to: queuePair) }
        if let position { lastSignaled.store(position, ordering: .releasing) }
    }

    // MARK: The end

    /// Ends the queue pair: flushes it, keeps what was not polled, and retires everything it held.
    ///
    /// Destroying is the guarantee that the device touches no memory any more, also where completions never come.
    ///
    /// Only the first call does so. A failure that was noted before may still want to move the queue pair to the error
    /// state; it is waited for, because the verb must not find a destroyed queue pair.
    func close() {
        let isFirst = ending.withLock { ending in
            defer { ending.isClosing = true }
            return !ending.isClosing
        }
        guard isFirst else { return }
        _ = ending.wait(until: { $0.insideCount == 0 ? true : nil })
        flush()
        awaitLastReceive()
        let queues = adapter.core.queues
        let deadline = MonotonicTime.now.advanced(by: Self.drainTime)
        receiveCompletions.drain(
            until: deadline, isDone: { queues.outstanding(receiveQueue) == 0 }, atEnd: {})
        sendCompletions.drain(until: deadline, isDone: { queues.outstanding(sendQueue) == 0 }, atEnd: {})
        // A poster is gone for good, so that no binding is added; the device may have refused to end one.
        while !retireBindings() { usleep(1000) }
        destroy()
        sendCompletions.drain(until: deadline, isDone: { true }) { adapter.core.mappings.closeQueue(sendQueue) }
        deliverUnposted()
        receiveCompletions.drain(until: deadline, isDone: { true }) { adapter.core.mappings.closeQueue(receiveQueue) }
        Self.unreserveRoom(capacity, sendCompletions, receiveCompletions, sharedReceives)
        adapter.core.childGone {
            $0.queuePairs[sendQueue] = nil
            $0.queuePairs[receiveQueue] = nil
        }
        sharedReceives?.detach(self)
    }

    /// How long flushed requests may take to arrive. A device that is slower loses results, never safety.
    static let drainTime = Duration.milliseconds(500)

    private func destroy() {
        var attempt = 1
        while true {
            do { return try queuePair.close() } catch {
                adapter.core.noteRefusedDestruction(of: "queue pair \(number)", error, attempt: attempt)
                attempt += 1
                usleep(10_000)
            }
        }
    }
}
