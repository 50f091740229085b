/// Being notified instead of polling.
extension CompletionQueue {
    /// Asks for one call of the callback that the queue was created with: `NdkArmCq`.
    ///
    /// The next result that `trigger` names raises the call, and uses the arming up. Results that are there already, and
    /// came after the last call, raise it at once; of receives among them nothing tells whether they were solicited, so
    /// that each counts. Silent successes never do. The failure of the queue raises a call whatever it is armed for.
    ///
    /// Armed again before the call, the queue notifies once, of whichever comes first. Calls never overlap: one that is
    /// raised meanwhile, also by arming inside the callback, follows the one before.
    ///
    /// While it is armed, a poll costs some nanoseconds more. The first arming starts a thread of the queue's own, on
    /// which the callback runs; it may take its time there, and may do everything but close its adapter.
    /// - Parameter trigger: what to be notified of.
    /// - Precondition: the queue was created with a callback.
    /// - Throws: ``AdapterError/verbFailed(verb:errno:)`` if the device cannot raise events, or there are as many threads
    ///   or file descriptors as there may be. The queue is armed as before then.
    /// - Complexity: one `ibv_poll_cq` or more, and one or no `ibv_req_notify_cq`.
    public mutating func arm(for trigger: NotificationTrigger = .any) throws(AdapterError) {
        guard core.notifier.hasListener else {
            fatalError("CompletionQueue: armed, but created without a callback; \(Self.self).notified(of:) needs none")
        }
        try core.arm(for: trigger, isForOwner: true)
    }

    /// Waits for what `trigger` names, without a thread: `NdkArmCq` and its callback in one.
    ///
    /// As with ``arm(for:)``, what came after the last notification counts.
    /// - Parameter trigger: what to wait for.
    /// - Returns: what happened; nil when the task was cancelled. Results stay in the queue either way.
    /// - Throws: as ``arm(for:)``.
    public mutating func notified(
        of trigger: NotificationTrigger = .any
    ) async throws(AdapterError) -> CompletionQueueNotification? {
        try await core.notified { [core] () throws(AdapterError) in try core.arm(for: trigger, isForOwner: false) }
    }
}

extension CompletionQueueCore {
    /// Has the queue armed, and waits for the notification; nil when the task was cancelled.
    func notified(
        _ arm: @Sendable () throws(AdapterError) -> Void
    ) async throws(AdapterError) -> CompletionQueueNotification? {
        let number = adapter.core.nextIdentifier()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                notifier.add(waiter, as: number)
                do throws(AdapterError) { try arm() } catch {
                    notifier.resume(number, .failure(error))
                }
                // The handler may have run before there was anybody to resume.
                if Task.isCancelled { notifier.resume(number, .success(nil)) }
            }
        } onCancel: {
            notifier.resume(number, .success(nil))
        }
        return try result.get()
    }
}
