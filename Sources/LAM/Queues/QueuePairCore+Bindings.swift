import Tracking

extension QueuePairCore {
    /// A bind or an invalidation of this queue pair was polled.
    func bindingOperationEnded(_ wire: WireID, isSuccess: Bool) {
        guard let operation = bindingOperations.withLock({ $0.removeValue(forKey: wire) }) else { return }
        operation.binding.ended(operation.operation, isSuccess: isSuccess)
    }

    /// The peer sent a message that invalidated a key, perhaps.
    ///
    /// - Returns: whether something is bound on this queue pair under the key.
    func peerInvalidated(_ key: UInt32) -> Bool {
        bindings.withLock { Array($0.values) }.contains { $0.peerInvalidated(key, on: self) }
    }

    /// Whether a bind or an invalidation has not completed yet.
    var hasBindingOperations: Bool { bindingOperations.withLock { !$0.isEmpty } }

    /// Something is not bound here any more.
    func forget(_ binding: BindingCore) {
        bindings.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(binding)) }
    }

    /// Ends everything that is bound here: a queue pair must not go before its windows (T2).
    ///
    /// - Returns: false if the device refused, or another thread is at it; what is left stays in `bindings`.
    @discardableResult
    func retireBindings() -> Bool {
        // First: a completion that is polled from now on must not meet a window that is bound anew elsewhere.
        bindingOperations.withLock { $0 = [:] }
        let bound = bindings.withLock { Array($0.values) }
        bound.forEach { $0.leave(self) }
        return bindings.withLock { $0.isEmpty }
    }
}
