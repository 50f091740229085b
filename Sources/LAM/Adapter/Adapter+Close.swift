import Synchronization
import Verbs

extension Adapter {
    /// Closes the adapter: waits until its last object is gone.
    ///
    /// From the first moment on nothing new can be created. Released mappings are unpinned as soon as they are idle;
    /// live mappings, queues, windows and connections must be given up by their owners. Listeners are closed at once,
    /// so that loops over their requests end. When it returns, no callback of the adapter is running, and none will.
    /// - Parameter patience: how long to wait; nil waits without end.
    /// - Throws: ``AdapterError/survivors(_:)`` when the time is over, which is logged, too. The adapter stays closing and
    ///   can be asked again. ``AdapterError/insideCallback`` on a thread on which the adapter calls its users, where it
    ///   would wait for itself; this changes nothing.
    public func close(waiting patience: Duration? = nil) throws(AdapterError) {
        guard !core.isInsideCallback else { throw .insideCallback }
        core.children.withLock { $0.isClosing = true }
        closeListeners()
        guard core.children.wait(atMost: patience, until: { $0.isEmpty ? true : nil }) == nil else {
            stopConnections()
            // Where the device refuses, the reaper asks again when the adapter goes.
            _ = core.token.release()
            return core.noteClosed()
        }
        let survivors = survivors
        core.note(survivors)
        throw .survivors(survivors)
    }

    /// Closes the adapter as ``close(waiting:)`` does, and suspends meanwhile. Cancelling the task changes nothing.
    ///
    /// - Parameter patience: how long to wait; nil waits without end.
    /// - Throws: as ``close(waiting:)``; ``AdapterError/verbFailed(verb:errno:)`` where there is no thread that could
    ///   wait.
    public func closed(waiting patience: Duration? = nil) async throws(AdapterError) {
        let result: Result<Void, AdapterError> = await withCheckedContinuation { continuation in
            do throws(VerbError) {
                let waiting = try WorkerThread {
                    do throws(AdapterError) {
                        try self.close(waiting: patience)
                        continuation.resume(returning: .success(()))
                    } catch {
                        continuation.resume(returning: .failure(error))
                    }
                }
                waiting.detach()
            } catch {
                continuation.resume(returning: .failure(AdapterError(error)))
            }
        }
        try result.get()
    }

    /// Refuses what would be a new child of a closing adapter, or of a device that is no more.
    func checkOpen() throws(AdapterError) {
        if core.hasDeviceFailed.load(ordering: .acquiring) { throw .deviceFailed }
        if core.children.withLock({ $0.isClosing }) { throw .closed }
    }
}
