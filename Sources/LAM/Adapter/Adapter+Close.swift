extension Adapter {
    /// Closes the adapter: waits until its last object is gone.
    ///
    /// From the first moment on nothing new can be created. Released mappings are unpinned as soon as they are idle;
    /// live mappings, queues, windows and connections must be given up by their owners.
    /// - Parameter patience: how long to wait; nil waits without end.
    /// - Precondition: the caller is not inside a callback of one of its objects, which it would wait for.
    /// - Throws: ``AdapterError/survivors(_:)`` when the time is over, which is logged, too. The adapter stays closing and
    ///   can be asked again.
    public func close(waiting patience: Duration? = nil) throws(AdapterError) {
        guard !core.isInsideCallback, !events.isCurrent else {
            fatalError("Adapter \(name): closed inside a callback of one of its objects, for whose end it would wait")
        }
        core.children.withLock { $0.isClosing = true }
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

    /// Refuses what would be a new child of a closing adapter.
    func checkOpen() throws(AdapterError) {
        if core.children.withLock({ $0.isClosing }) { throw .closed }
    }
}
