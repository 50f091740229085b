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
    /// What events of the device call it.
    let identifier: UInt
    private let retirer: RequestRetirer
    private let target: PollTarget
    let channel: CompletionChannel
    /// Ends the wait of a user that waits.
    let wakeUp: WakeUp
    /// Whether a user waits, or is about to.
    let isAwaited = Atomic<Bool>(false)
    let notifier: CompletionNotifier
    /// Whether the notifier must look for failed sends by itself.
    let searchesErrors = Atomic<Bool>(false)
    /// The requests of all queues that complete here, which it must be able to hold at once.
    let reserved = Monitor(0)
    /// Whether the device says that results are lost, or that it failed itself.
    private let hasFailed = Atomic<Bool>(false)
    let turnstile: Turnstile
    /// In memory of its own, so that no access pays for an exclusivity check.
    let polling: UnsafeMutablePointer<PolledCompletions>

    init(
        adapter: Adapter, depth: Int, notify: (@Sendable (CompletionQueueNotification) -> Void)?
    ) throws(AdapterError) {
        self.adapter = adapter
        notifier = CompletionNotifier(notify)
        retirer = RequestRetirer(mappings: adapter.core.mappings)
        identifier = adapter.core.nextIdentifier()
        do {
            channel = try CompletionChannel(in: adapter.core.device)
            queue = try Verbs.CompletionQueue(
                in: adapter.core.device, depth: depth, channel: channel, identifier: identifier)
            target = queue.pollTarget
            wakeUp = try WakeUp()
        } catch {
            throw AdapterError(error)
        }
        turnstile = Turnstile(ownerFences: adapter.core.barrier == nil)
        unsafe polling = .allocate(capacity: 1)
        unsafe polling.initialize(to: PolledCompletions())
        adapter.core.children.withLock { $0.completionQueues[identifier] = WeakCompletionQueue(core: self) }
    }

    deinit {
        // A close that waits for this must find it done.
        try? queue.close()
        try? channel.close()
        unsafe polling.deinitialize(count: 1)
        unsafe polling.deallocate()
        adapter.core.childGone { $0.completionQueues[identifier] = nil }
    }

    /// Why nothing more may be expected, if so.
    var failure: CompletionQueueFailure? {
        guard hasFailed.load(ordering: .acquiring) else { return nil }
        return adapter.core.hasDeviceFailed.load(ordering: .acquiring) ? .deviceFailed : .completionsLost
    }

    /// Nothing more may be expected: what it lost comes no more, and its queue pairs are being ended.
    func noteFailure() {
        hasFailed.store(true, ordering: .releasing)
        for pair in queuePairs { pair.noteFailure() }
        wakeUp.ring()
        notifier.wake()
    }

    /// The queue pairs that complete here and are not closed.
    private var queuePairs: [QueuePairCore] { adapter.core.queuePairs.filter(isUsed) }

    private func isUsed(by pair: QueuePairCore) -> Bool {
        pair.sendCompletions === self || pair.receiveCompletions === self
    }

    /// Waits until the last of its queue pairs has gone.
    func awaitQueuePairs(atMost patience: Duration?) throws(AdapterError) {
        let areGone: Void? = adapter.core.children.wait(atMost: patience) { children in
            children.queuePairs.values.contains(where: isUsed) ? nil : ()
        }
        guard areGone == nil else { return }
        throw .queuePairsLeft(numbers: queuePairs.map(\.number).sorted())
    }

    // MARK: The user

    /// Fills `batch` with what is pending and then with what the device has.
    ///
    /// - Returns: false if somebody else is polling at this moment; `batch` is empty then.
    @inline(__always)
    func poll(into batch: inout CompletionBatch) -> Bool {
        guard turnstile.enterAtOnce() || enterAfterOthers() else {
            batch.entries.keep(first: 0)
            return false
        }
        defer { turnstile.leave() }
        guard unsafe !polling.pointee.needsCare else {
            unsafe pollCarefully(&polling.pointee, into: &batch.entries)
            return true
        }
        let taken = take { (target) throws(VerbError) in try batch.entries.poll(target) }
        let usual = batch.entries.relabel { retireUsual($0) }
        if usual < taken { retireAll(of: &batch.entries, from: usual) }
        return true
    }

    /// Polls after whoever is polling now: a completion that went to the pending ones just before the queue was armed
    /// raises no event any more.
    @inline(never)
    func pollInTurn(into batch: inout CompletionBatch) {
        while !poll(into: &batch) { sched_yield() }
    }

    @inline(never)
    func enterAfterOthers() -> Bool {
        switch turnstile.enter() {
        case .inside, .insideAfterOthers: true
        case .held, .barred, .shut: false
        }
    }

    /// Retires what an entry stands for if it is a request that succeeded, whose success is not silent, and that
    /// concerns no window of this side.
    ///
    /// - Returns: what its user is to find; nil, and nothing was retired, in any other case.
    @inline(__always)
    private func retireUsual(_ entry: WorkCompletion) -> CompletionLabel? {
        guard entry.status.rawValue == 0, !entry.mayInvalidate,
            let ordinary = retirer.ordinaryRequest(WireID(raw: entry.identifier)),
            case let tag = RequestTag(rawValue: ordinary.request.tag), tag.isUsual
        else { return nil }
        ordinary.retire()
        return CompletionLabel(identifier: ordinary.request.context, operation: UInt32(tag.operationNumber))
    }

    /// Retires all entries from one on, keeps those that somebody is to hear of, and takes further ones while there is
    /// room and there may be more.
    @inline(never)
    private func retireAll(of entries: inout PollBuffer, from first: Int) {
        var kept = first
        while true {
            let isFull = entries.count == entries.capacity
            for index in kept..<entries.count {
                guard let completion = retire(entries[index]) else { continue }
                entries[kept] = completion
                kept += 1
            }
            entries.keep(first: kept)
            guard isFull, kept < entries.capacity else { return }
            _ = take { (target) throws(VerbError) in try entries.pollOn(target) }
        }
    }

    /// Gives what is pending first, and notes what somebody is to be notified of.
    @inline(never)
    private func pollCarefully(_ polling: inout PolledCompletions, into entries: inout PollBuffer) {
        entries.keep(first: 0)
        polling.deliver(to: &entries)
        let delivered = entries.count
        guard polling.pendingCount == 0 else { return }
        _ = take { (target) throws(VerbError) in try entries.pollOn(target) }
        retireAll(of: &entries, from: delivered)
        let wasDue = polling.arming.isDue
        polling.noteDelivered(entries, from: delivered)
        if polling.arming.isDue, !wasDue { notifier.wake() }
    }

    // MARK: Retiring

    /// Has `poll` take entries from the device's queue; a device that fails has none.
    @inline(__always)
    func take(_ poll: (PollTarget) throws(VerbError) -> Int) -> Int {
        do { return try poll(target) } catch {
            noteFailedPoll()
            return 0
        }
    }

    /// Retires what one entry of the device's queue stands for; nil where nobody is to hear of it.
    func retire(_ entry: WorkCompletion) -> WorkCompletion? {
        guard let retired = retirer.retire(WireID(raw: entry.identifier)) else {
            noteStray()
            return nil
        }
        let tag = RequestTag(rawValue: retired.request.tag)
        let isSuccess = entry.status.rawValue == 0
        if retired.leavesFew { noteLow(retired.queue) }
        var operation = tag.operationNumber
        if !isSuccess || tag.concernsBinding || entry.mayInvalidate {
            let isInvalidation = noteSpecial(retired.queue, entry, tag, isSuccess: isSuccess)
            if isInvalidation { operation = Operation.receiveAndInvalidate.rawValue }
        }
        if tag.isMarker || (isSuccess && tag.isSilent) { return nil }
        var completion = entry
        completion.identifier = retired.request.context
        completion.operation = UInt32(operation)
        return completion
    }
}

/// Why nothing more completes on a queue.
enum CompletionQueueFailure {
    case completionsLost
    case deviceFailed

    /// What somebody who waits for results is thrown.
    var error: AdapterError {
        switch self {
        case .completionsLost: .completionsLost
        case .deviceFailed: .deviceFailed
        }
    }

    /// What somebody who armed the queue is told.
    var notification: CompletionQueueNotification {
        switch self {
        case .completionsLost: .completionsLost
        case .deviceFailed: .deviceFailed
        }
    }
}
