import Glibc
import Synchronization
import Tracking
import Verbs

/// Arming: what the user asks for, and what its answer is.
extension CompletionQueueCore {
    /// Asks for one notification.
    ///
    /// - Parameters:
    ///   - trigger: of what; merged with what was asked for before and has not come.
    ///   - isForOwner: whether the owner's callback is to be called.
    /// - Throws: what the device answered; the queue is armed as before then.
    func arm(for trigger: NotificationTrigger, isForOwner: Bool) throws(AdapterError) {
        try notifier.start(self)
        let mustWake = try whileInside { (polling) throws(AdapterError) in
            let former = polling.arming
            polling.arm(for: trigger, isForOwner: isForOwner)
            drainDevice(&polling)
            polling.noteWaiting()
            if failure != nil { polling.noteDue() }
            if !polling.arming.isDue, polling.arming.trigger != .errors {
                do throws(AdapterError) { try armDevice(solicitedOnly: polling.arming.trigger == .solicited) } catch {
                    polling.rearm(former)
                    throw error
                }
                // Arming concerns later completions only (T44).
                drainDevice(&polling)
                polling.noteWaiting()
            }
            return noteErrorSearch(polling.arming) || polling.arming.isDue
        }
        if mustWake { notifier.wake() }
    }

    /// Has the next completion raise an event, or the next one that is solicited or a failure.
    func armDevice(solicitedOnly: Bool) throws(AdapterError) {
        do { try queue.arm(solicitedOnly: solicitedOnly) } catch { throw AdapterError(error) }
    }

    /// Runs `body` in the user's place, after whoever is polling in its stead.
    func whileInside<Result, Failure>(
        _ body: (inout PolledCompletions) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        while !enterAfterOthers() { sched_yield() }
        defer { turnstile.leave() }
        return try unsafe body(&polling.pointee)
    }

    // MARK: The notifier

    /// What there is to notify of, if anything; it was asked for then, and is not asked for any more.
    ///
    /// - Parameter hasEvent: whether the device raised an event since the last time.
    /// - Returns: the notification, and whether the owner's callback is to be called.
    func takeNotification(afterEvent hasEvent: Bool) -> (CompletionQueueNotification, isForOwner: Bool)? {
        whileHeld { polling in
            defer { noteErrorSearch(polling.arming) }
            guard let trigger = polling.arming.trigger else { return nil }
            drainDevice(&polling)
            // Silent successes raise events, too, and are nobody's to hear of. Of a solicited message the event is all that
            // tells.
            if hasEvent, trigger == .solicited || trigger == .any && !searchFurther(&polling) { polling.noteDue() }
            let failure = failure
            guard polling.arming.isDue || failure != nil else { return nil }
            return (failure?.notification ?? .ready, polling.disarm().isForOwner)
        }
    }

    /// Has the next completion raise an event, if nothing has come yet that is worth a notification.
    ///
    /// - Returns: false if the device refuses; it will not say any more when something comes.
    private func searchFurther(_ polling: inout PolledCompletions) -> Bool {
        guard !polling.arming.isDue else { return true }
        do { try queue.arm(solicitedOnly: false) } catch { return false }
        drainDevice(&polling)
        return true
    }

    /// Notes whether the notifier must look for failed sends by itself from now on: rxe raises no event for them in a
    /// queue that is armed for solicited completions (T46).
    ///
    /// - Returns: whether it must.
    @discardableResult
    private func noteErrorSearch(_ arming: Arming) -> Bool {
        let mustSearch = adapter.info.isSoftRoCE && arming.trigger == .solicited
        searchesErrors.store(mustSearch, ordering: .relaxed)
        return mustSearch
    }
}

/// Waiting on the user's own thread.
extension CompletionQueueCore {
    /// Waits until the queue may have something that no poll has given yet.
    ///
    /// - Returns: false after the timeout.
    func waitForEvent(until deadline: MonotonicTime?) throws(AdapterError) -> Bool {
        if let failure { throw failure.error }
        do throws(VerbError) {
            return try wakeUp.wait(besides: channel.fileDescriptor, until: deadline) { () throws(VerbError) in
                if try takeEvents() { notifier.noteEvent() }
            }
        } catch {
            throw AdapterError(error)
        }
    }

    /// Takes all events of the device.
    ///
    /// - Returns: whether there were any.
    func takeEvents() throws(VerbError) -> Bool {
        var hasEvent = false
        while try channel.nextEvent() != nil { hasEvent = true }
        return hasEvent
    }
}

extension AdapterInfo {
    /// Whether the device is rxe, which gives this number as its vendor.
    fileprivate var isSoftRoCE: Bool { vendorID == 0xFF_FFFF }
}
