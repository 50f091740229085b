import Glibc
import Synchronization
import Tracking
import Verbs

/// A completion queue as the threads share it: its user's, the reaper's, and those that close queue pairs.
///
/// Whoever polls is alone: the user passes the turnstile at the price of two stores, the others hold it.
// Sendable: `polling` is touched only by the one who is inside the turnstile or holds it.
@safe
final class CompletionQueueCore: @unchecked Sendable {
    let adapter: Adapter
    let queue: Verbs.CompletionQueue
    private let retirer: RequestRetirer
    private let target: PollTarget
    private let channel: CompletionChannel
    private let wakeUp: WakeUp
    /// The requests of all queues that complete here, which it must be able to hold at once.
    private let reserved = Monitor(0)
    private let turnstile: Turnstile
    /// In memory of its own, so that no access pays for an exclusivity check.
    private let polling: UnsafeMutablePointer<Polling>

    private static var entriesPerPoll: Int { 32 }

    private struct Polling: ~Copyable {
        var buffer = PollBuffer(capacity: CompletionQueueCore.entriesPerPoll)
        /// What others polled in the user's stead, oldest first. Delivered before anything newer.
        var pending: [Completion] = [] {
            didSet { hasPending = !pending.isEmpty }
        }
        var deliveredCount = 0
        /// What the user's every poll asks.
        var hasPending = false
    }

    init(adapter: Adapter, depth: Int) throws(AdapterError) {
        self.adapter = adapter
        retirer = RequestRetirer(mappings: adapter.core.mappings)
        do {
            channel = try CompletionChannel(in: adapter.core.device)
            queue = try Verbs.CompletionQueue(in: adapter.core.device, depth: depth, channel: channel)
            target = queue.pollTarget
            wakeUp = try WakeUp()
        } catch {
            throw AdapterError(error)
        }
        turnstile = Turnstile(ownerFences: adapter.core.barrier == nil)
        unsafe polling = .allocate(capacity: 1)
        unsafe polling.initialize(to: Polling())
        adapter.core.children.withLock { $0.completionQueueCount += 1 }
    }

    deinit {
        // A close that waits for this must find it done.
        try? queue.close()
        try? channel.close()
        unsafe polling.deinitialize(count: 1)
        unsafe polling.deallocate()
        adapter.core.childGone { $0.completionQueueCount -= 1 }
    }

    /// How many completions it can hold.
    var depth: Int { queue.depth }

    /// Makes room for the requests of another queue, which all may complete at once when it fails.
    ///
    /// A completion queue that overflows loses completions (T25), so that it is enlarged beforehand.
    func reserve(_ count: Int) throws(AdapterError) {
        let limit = adapter.info.maxCompletionQueueDepth
        try reserved.withLock { (reserved) throws(AdapterError) in
            let needed = reserved + count
            try adapter.info.check("requests completing on one queue", needed, atMost: limit)
            if needed > queue.depth {
                do throws(VerbError) { try queue.resize(depth: needed) } catch { throw AdapterError(error) }
            }
            reserved = needed
        }
    }

    /// Gives the room of a closed queue back.
    func unreserve(_ count: Int) {
        reserved.withLock { $0 -= count }
    }

    // MARK: The user

    /// Fills `batch` with what is pending and then with what the device has.
    ///
    /// - Returns: false if somebody else is polling at this moment; nothing was done.
    @inline(__always)
    func poll(into batch: inout CompletionBatch) -> Bool {
        batch.clear()
        guard turnstile.enterAtOnce() || enterAfterOthers() else { return false }
        defer { turnstile.leave() }
        if unsafe polling.pointee.hasPending {
            unsafe Self.deliverPending(&polling.pointee, to: &batch)
        }
        if pollOnce(into: &batch) { pollOn(into: &batch) }
        return true
    }

    /// - Returns: whether there may be more, and room for it.
    @inline(__always)
    private func pollOnce(into batch: inout CompletionBatch) -> Bool {
        let asked = unsafe min(batch.room, polling.pointee.buffer.capacity)
        let count = unsafe take(atMost: asked, into: &polling.pointee.buffer)
        unsafe polling.pointee.buffer.forEach { index, entry in retire(entry, at: index, into: &batch) }
        return count == asked && !batch.isFull
    }

    @inline(never)
    private func pollOn(into batch: inout CompletionBatch) {
        while pollOnce(into: &batch) {}
    }

    @inline(never)
    private func enterAfterOthers() -> Bool {
        switch turnstile.enter() {
        case .inside, .insideAfterOthers: true
        case .held, .barred, .shut: false
        }
    }

    /// Retires what one entry of the last poll stands for.
    ///
    /// The usual case, and nothing else: a request that succeeded, and concerns no window of this side.
    @inline(__always)
    private func retire(_ entry: WorkCompletion, at index: Int, into batch: inout CompletionBatch) {
        guard entry.status.rawValue == 0, !entry.mayInvalidate,
            let ordinary = retirer.ordinaryRequest(WireID(raw: entry.identifier)),
            case let tag = RequestTag(rawValue: ordinary.request.tag), !tag.concernsWindow
        else { return retireUnusual(index, into: &batch) }
        ordinary.retire()
        if tag.isSilent { return }
        batch.append(
            Completion(
                context: ordinary.request.context, status: .success, tag: tag, byteCount: entry.byteCount,
                queuePairNumber: entry.queuePairNumber, vendorError: 0))
    }

    // The index rather than the entry, which would be copied for this call even where it is not made.
    @inline(never)
    private func retireUnusual(_ index: Int, into batch: inout CompletionBatch) {
        if let completion = unsafe retire(polling.pointee.buffer[index]) { batch.append(completion) }
    }

    @inline(never)
    private static func deliverPending(_ polling: inout Polling, to batch: inout CompletionBatch) {
        while polling.deliveredCount < polling.pending.count, !batch.isFull {
            batch.append(polling.pending[polling.deliveredCount])
            polling.deliveredCount += 1
        }
        if polling.deliveredCount == polling.pending.count {
            polling.pending.removeAll(keepingCapacity: true)
            polling.deliveredCount = 0
        }
    }

    /// Waits until the queue may have something that no poll has given yet.
    ///
    /// - Returns: false after the timeout.
    func waitForEvent(until deadline: MonotonicTime?) throws(AdapterError) -> Bool {
        do throws(VerbError) {
            return try wakeUp.wait(besides: channel.fileDescriptor, until: deadline) { () throws(VerbError) in
                while try channel.nextEvent() != nil {}
            }
        } catch {
            throw AdapterError(error)
        }
    }

    /// Has the next completion raise an event.
    func arm() throws(AdapterError) {
        do { try queue.arm(solicitedOnly: false) } catch { throw AdapterError(error) }
    }

    // MARK: Others

    /// Polls in the user's stead, unless somebody polls at this moment.
    func pollForUser() {
        guard turnstile.hold() else { return }
        defer { turnstile.release() }
        adapter.core.barrier?.issue()
        if !turnstile.isOwnerInside {
            unsafe drainDevice(&polling.pointee)
        }
    }

    /// Polls until `isDone` or the deadline, whatever the user does; `atEnd` then runs while nobody polls.
    func drain(until deadline: MonotonicTime, isDone: () -> Bool, atEnd: () -> Void) {
        whileHeld { polling in
            drainDevice(&polling)
            while !isDone(), MonotonicTime.now < deadline {
                usleep(100)
                drainDevice(&polling)
            }
            atEnd()
        }
    }

    /// Delivers completions that the device does not know of.
    func deliver(_ completions: [Completion]) {
        whileHeld { polling in
            drainDevice(&polling)
            polling.pending += completions
        }
        wakeUp.ring()
    }

    private func whileHeld(_ body: (inout Polling) -> Void) {
        while !turnstile.hold() { sched_yield() }
        defer { turnstile.release() }
        adapter.core.barrier?.issue()
        while turnstile.isOwnerInside { sched_yield() }
        unsafe body(&polling.pointee)
    }

    private func drainDevice(_ polling: inout Polling) {
        let before = polling.pending.count
        while case let count = take(atMost: Self.entriesPerPoll, into: &polling.buffer), count > 0 {
            for index in 0..<count {
                if let completion = retire(polling.buffer[index]) { polling.pending.append(completion) }
            }
        }
        if polling.pending.count > before { wakeUp.ring() }
    }

    // MARK: Retiring

    /// Takes entries from the device's queue; a device that fails has none.
    @inline(__always)
    private func take(atMost limit: Int, into buffer: inout PollBuffer) -> Int {
        do { return try buffer.poll(target, atMost: limit) } catch {
            noteFailedPoll()
            return 0
        }
    }

    /// Retires what one entry of the device's queue stands for; nil where nobody is to hear of it.
    private func retire(_ entry: WorkCompletion) -> Completion? {
        guard let retired = retirer.retire(WireID(raw: entry.identifier)) else {
            noteStray()
            return nil
        }
        let tag = RequestTag(rawValue: retired.request.tag)
        let isSuccess = entry.status.rawValue == 0
        if !isSuccess || tag.concernsWindow || entry.mayInvalidate {
            noteSpecial(retired.queue, entry, tag, isSuccess: isSuccess)
        }
        if tag.isMarker || (isSuccess && tag.isSilent) { return nil }
        return Completion(
            context: retired.request.context, status: CompletionStatus(rawValue: entry.status.rawValue),
            tag: tag, byteCount: isSuccess ? entry.byteCount : 0,
            queuePairNumber: entry.queuePairNumber, vendorError: isSuccess ? 0 : entry.vendorError)
    }

    // MARK: What is rare

    @inline(never)
    private func noteSpecial(_ queue: QueueID, _ entry: WorkCompletion, _ tag: RequestTag, isSuccess: Bool) {
        guard let pair = adapter.core.queuePair(owning: queue) else { return }
        if tag.concernsWindow { pair.windowOperationEnded(WireID(raw: entry.identifier), isSuccess: isSuccess) }
        guard isSuccess else { return pair.noteFailure() }
        if tag.operation == .receive, entry.mayInvalidate {
            pair.peerInvalidated(entry.invalidatedKeyOrImmediate)
        }
    }

    @inline(never)
    private func noteStray() {
        adapter.core.counters.strayCompletions.add(1, ordering: .relaxed)
    }

    @inline(never)
    private func noteFailedPoll() {
        adapter.core.counters.failedPolls.add(1, ordering: .relaxed)
    }
}
