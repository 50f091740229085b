import Synchronization
import Tracking
import Verbs

extension BindingCore.Inside {
    /// Decides that the device is to give something up, which the caller then has it do with `end()`.
    ///
    /// - Returns: false if that was decided before, or there is nothing.
    mutating func beginEnding(_ ending: BindingCore.Ending) -> Bool {
        if case .ending = state { return false }
        if case .unbound = state, device.isEmpty { return false }
        // What the owner gave up, nobody will bind again.
        state = .ending(state.binding, isAbandoned ? .everything : ending)
        isInVerb = true
        return true
    }

    /// Decides to ask a device again that refused.
    mutating func beginEndingAgain() -> Bool {
        guard case .ending = state, !isInVerb else { return false }
        isInVerb = true
        return true
    }
}

extension BindingCore {
    /// Has the device do what `beginEnding` decided; the use of the mapping ends with it.
    func end() {
        var decision: (binding: Binding?, ending: Ending)?
        var device = inside.withLock { inside in
            if case .ending(let binding, let ending) = inside.state { decision = (binding, ending) }
            return inside.device.take()
        }
        guard let decision else { fatalError("BindingCore: nothing is to end") }
        var refusal: VerbError?
        do throws(VerbError) {
            try device.end(decision.ending, adapter.core)
            // Before anybody can bind anew.
            if let binding = decision.binding { letGo(binding) }
        } catch {
            refusal = error
        }
        var mustRetry = false
        finishEnding(consume device, refusal, &mustRetry).forEach { $0() }
        if mustRetry { retryLater() }
    }

    private func letGo(_ binding: Binding) {
        if let local = binding.target.local { adapter.core.regions.clear(local.token) }
        binding.queuePair.forget(self)
        adapter.core.mappings.dropWindow(binding.mapping)
    }

    /// - Returns: what is to be called.
    private func finishEnding(
        _ device: consuming BindingDevice, _ refusal: VerbError?, _ mustRetry: inout Bool
    ) -> [@Sendable () -> Void] {
        var device = Optional(device)
        var attempt = 0
        let callbacks = inside.withLock { inside -> [@Sendable () -> Void] in
            inside.device = device.take()!
            inside.isInVerb = false
            inside.refusals = refusal == nil ? 0 : inside.refusals + 1
            attempt = inside.refusals
            mustRetry = refusal != nil && !inside.isRetryPending
            if mustRetry { inside.isRetryPending = true }
            guard refusal == nil else { return [] }
            inside.state = .unbound
            inside.isInvalidatedByPeer = false
            defer { inside.onUnbound = [] }
            return inside.onUnbound
        }
        inside.signal()
        if let refusal { adapter.core.noteRefusedDestruction(of: "memory window", refusal, attempt: attempt) }
        return callbacks
    }

    private func retryLater() {
        adapter.errands.run(after: Self.retryPause) { self.retry() }
    }

    private static var retryPause: Duration { .milliseconds(1) }

    private func retry() {
        let mustEnd = inside.withLock { inside in
            inside.isRetryPending = false
            return inside.beginEndingAgain()
        }
        if mustEnd { end() }
    }
}
