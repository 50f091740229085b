import Tracking

extension QueuePairCore {
    /// A bind or an invalidation of this queue pair was polled.
    func windowOperationEnded(_ wire: WireID, isSuccess: Bool) {
        guard let operation = windowOperations.withLock({ $0.removeValue(forKey: wire) }) else { return }
        operation.window.ended(operation.operation, isSuccess: isSuccess)
    }

    /// Whether a bind or an invalidation has not completed yet.
    var hasWindowOperations: Bool { windowOperations.withLock { !$0.isEmpty } }

    /// A window is not bound here any more.
    func forget(_ window: WindowCore) {
        windows.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(window)) }
    }

    /// Ends every window that is bound here: a queue pair must not go before its windows (T2).
    func retireWindows() {
        let bound = windows.withLock { windows in
            defer { windows = [:] }
            return windows.values.map { $0 }
        }
        bound.forEach { $0.leave(self) }
        windowOperations.withLock { $0 = [:] }
    }
}
