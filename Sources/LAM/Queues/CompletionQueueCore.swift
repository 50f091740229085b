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
    private let channel: CompletionChannel
    private let wakeUp: WakeUp
    /// The requests of all queues that complete here, which it must be able to hold at once.
    private let reserved = Monitor(0)
    /// Whether the device says that results are lost.
    private let hasFailed = Atomic<Bool>(false)
    private let turnstile: Turnstile
    /// In memory of its own, so that no access pays for an exclusivity check.
    private let polling: UnsafeMutablePointer<Polling>

    private struct Polling: ~Copyable {
        /// For whoever polls in the user's stead.
        var buffer = PollBuffer(capacity: 32)
        /// What others polled in the user's stead, oldest first. Delivered before anything newer.
        var pending: [WorkCompletion] = [] {
            didSet { hasPending = !pending.isEmpty }
        }
        var deliveredCount = 0
        /// What the user's every poll asks.
        var hasPending = false
    }

    init(adapter: Adapter, depth: Int) throws(AdapterError) {
        self.adapter = adapter
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

    /// Nothing more may be expected: what it lost comes no more, and the others are being ended.
    func noteFailure() {
        hasFailed.store(true, ordering: .releasing)
        wakeUp.ring()
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
        guard unsafe !polling.pointee.hasPending else {
            unsafe deliverPending(&polling.pointee, to: &batch.entries)
            return true
        }
        let taken = take { (target) throws(VerbError) in try batch.entries.poll(target) }
        let usual = batch.entries.relabel { retireUsual($0) }
        if usual < taken { retireAll(of: &batch.entries, from: usual) }
        return true
    }

    @inline(never)
    private func enterAfterOthers() -> Bool {
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

    @inline(never)
    private func deliverPending(_ polling: inout Polling, to entries: inout PollBuffer) {
        entries.keep(first: 0)
        while polling.deliveredCount < polling.pending.count, entries.count < entries.capacity {
            entries.append(polling.pending[polling.deliveredCount])
            polling.deliveredCount += 1
        }
        guard polling.deliveredCount == polling.pending.count else { return }
        polling.pending.removeAll(keepingCapacity: true)
        polling.deliveredCount = 0
        let delivered = entries.count
        _ = take { (target) throws(VerbError) in try entries.pollOn(target) }
        retireAll(of: &entries, from: delivered)
    }

    /// Waits until the queue may have something that no poll has given yet.
    ///
    /// - Returns: false after the timeout.
    func waitForEvent(until deadline: MonotonicTime?) throws(AdapterError) -> Bool {
        guard !hasFailed.load(ordering: .acquiring) else { throw .completionsLost }
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
            while !isDone(), !hasFailed.load(ordering: .acquiring), MonotonicTime.now < deadline {
                usleep(100)
                drainDevice(&polling)
            }
            atEnd()
        }
    }

    /// Delivers completions that the device does not know of.
    func deliver(_ completions: [WorkCompletion]) {
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
        while take({ (target) throws(VerbError) in try polling.buffer.poll(target) }) > 0 {
            for index in 0..<polling.buffer.count {
                if let completion = retire(polling.buffer[index]) { polling.pending.append(completion) }
            }
        }
        if polling.pending.count > before { wakeUp.ring() }
    }

    // MARK: Retiring

    /// Has `poll` take entries from the device's queue; a device that fails has none.
    @inline(__always)
    private func take(_ poll: (PollTarget) throws(VerbError) -> Int) -> Int {
        do { return try poll(target) } catch {
            noteFailedPoll()
            return 0
        }
    }

    /// Retires what one entry of the device's queue stands for; nil where nobody is to hear of it.
    private func retire(_ entry: WorkCompletion) -> WorkCompletion? {
        guard let retired = retirer.retire(WireID(raw: entry.identifier)) else {
            noteStray()
            return nil
        }
        let tag = RequestTag(rawValue: retired.request.tag)
        let isSuccess = entry.status.rawValue == 0
        if retired.leavesFew { noteLow(retired.queue) }
        if !isSuccess || tag.concernsBinding || entry.mayInvalidate {
            noteSpecial(retired.queue, entry, tag, isSuccess: isSuccess)
        }
        if tag.isMarker || (isSuccess && tag.isSilent) { return nil }
        var completion = entry
        completion.identifier = retired.request.context
        completion.operation = UInt32(tag.operationNumber)
        return completion
    }
}
