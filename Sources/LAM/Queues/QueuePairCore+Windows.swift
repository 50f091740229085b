import Tracking

extension QueuePairCore {
    /// A bind or an invalidation of this queue pair was polled.
    func windowOperationEnded(_ wire: WireID, isSuccess: Bool) {
        guard let operation = windowOperations.withLock({ $0.removeValue(forKey: wire) }) else { return }
        operation.window.ended(operation.operation, isSuccess: isSuccess)
    }

    /// The peer sent a message that invalidated a key, perhaps.
    ///
    /// - Returns: whether a window of this queue pair has the key.
    func peerInvalidated(_ key: UInt32) -> Bool {
        windows.withLock { Array($0.values) }.contains { $0.peerInvalidated(key, on: self) }
    }

    /// Whether a bind or an invalidation has not completed yet.
    var hasWindowOperations: Bool { windowOperations.withLock { !$0.isEmpty } }

    /// A window is not bound here any more.
    func forget(_ window: WindowCore) {
        windows.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(window)) }
    }

    /// Ends every window that is bound here: a queue pair must not go before its windows (T2).
    ///
    /// - Returns: false if the device refused; what it refused stays in `windows`.
    @discardableResult
    func retireWindows() -> Bool {
        // First: a completion that is polled from now on must not meet a window that is bound anew elsewhere.
        windowOperations.withLock { $0 = [:] }
        let bound = windows.withLock { Array($0.values) }
        bound.forEach { $0.leave(self) }
        return windows.withLock { $0.isEmpty }
    }
}
