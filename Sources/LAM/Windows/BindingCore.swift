import Synchronization
import Tracking
import Verbs

/// What is bound to mapped memory for a peer, as the threads share it: a window, a fast registration or a grant.
///
/// Its owner, pollers and whoever ends the queue pair meet here. rxe panics when a window is invalidated that is not bound
/// (T1), and hangs when a queue pair goes while a window is bound on it (T2): the state decides what may reach the
/// device. No verb is called under the lock; while one runs, the state says so and `device` is with its thread.
final class BindingCore: Sendable {
    let adapter: Adapter
    let inside: Monitor<Inside>
    /// Not given back when the owner goes: the device may have something for longer.
    private let place: CountedChild

    enum State {
        case unbound
        /// A poster gets ready for a bind, and alone leaves this state.
        case preparing
        /// The bind is posted. Whether it happened is known at its completion.
        case binding(Binding)
        case bound(Binding)
        /// The invalidation is posted.
        case invalidating(Binding)
        /// The device is to give up what it has. Where it refuses, it is asked again.
        case ending(Binding?, Ending)

        var binding: Binding? {
            switch self {
            case .unbound, .preparing: nil
            case .binding(let binding), .bound(let binding), .invalidating(let binding): binding
            case .ending(let binding, _): binding
            }
        }
    }

    /// How much the device is to give up.
    enum Ending {
        /// What was registered for this binding. A window that is not bound any more stays.
        case registration
        /// The window, too. That ends the peer's access whatever state the queue pair is in.
        case everything
    }

    struct Inside: ~Copyable {
        var device = BindingDevice()
        var state = State.unbound
        /// A thread has `device`, and the device is working for it.
        var isInVerb = false
        /// How often the device refused to give up what is to go.
        var refusals = 0
        /// The device refused, and is going to be asked again.
        var isRetryPending = false
        /// The peer invalidated what is being bound: its message may be polled before the bind's own completion.
        var isInvalidatedByPeer = false
        /// The owner is gone; what is posted still has to complete.
        var isAbandoned = false
        /// Called when nothing is bound any more.
        var onUnbound: [@Sendable () -> Void] = []
    }

    /// - Parameters:
    ///   - adapter: whose memory can be bound.
    ///   - place: what it is counted as among the adapter's children.
    ///   - device: what the device has for it already.
    init(of adapter: Adapter, _ place: CountedChild, _ device: consuming sending BindingDevice = BindingDevice()) {
        self.adapter = adapter
        self.place = place
        inside = Monitor(Inside(device: device))
    }

    /// What the peer names; nil where nothing is bound, or nothing that a peer may use.
    var remoteMemory: RemoteMemory? {
        inside.withLock { $0.state.binding?.remote }
    }

    /// Whether the bind has completed, and nothing has ended it since; nil while it has not.
    var isUsable: Bool? {
        inside.withLock { inside in
            switch inside.state {
            case .preparing, .binding: nil
            case .bound: true
            case .unbound, .invalidating, .ending: false
            }
        }
    }

    // MARK: Invalidating

    /// Begins an invalidation on the queue pair that posted the bind.
    ///
    /// - Returns: what is to be posted.
    func beginInvalidate(on queuePair: QueuePairCore) throws(PostError) -> Binding {
        try inside.withLock { (inside) throws(PostError) in
            switch inside.state {
            case .unbound, .preparing, .invalidating, .ending: throw .window(.notBound)
            case .binding: throw .window(.stillBinding)
            case .bound(let binding):
                guard binding.queuePair === queuePair else { throw .window(.boundElsewhere) }
                inside.state = .invalidating(binding)
                return binding
            }
        }
    }

    /// The invalidation was not posted after all.
    func cancelInvalidate() {
        inside.withLock { inside in
            if case .invalidating(let binding) = inside.state { inside.state = .bound(binding) }
        }
    }

    // MARK: What happened

    /// A bind or an invalidation completed.
    func ended(_ operation: Operation, isSuccess: Bool) {
        let mustEnd = inside.withLock { inside in
            switch (inside.state, operation, isSuccess) {
            case (.binding(let binding), .bind, true), (.binding(let binding), .fastRegister, true):
                if binding.manner.isByWindow { inside.device.noteBound(binding.remote) }
                inside.state = .bound(binding)
                if inside.isInvalidatedByPeer { return inside.beginEnding(.registration) }
                return inside.isAbandoned && inside.beginEnding(.everything)
            case (.invalidating, .invalidate, true):
                return inside.beginEnding(.registration)
            case (.binding, _, false), (.invalidating, _, false):
                // Failed or flushed: it may have happened or not (T23). Only deallocation is certain.
                return inside.beginEnding(.everything)
            default:
                // The end of the queue pair was faster.
                return false
            }
        }
        if mustEnd { end() }
    }

    /// A message of the peer arrived that invalidated `key`, if the device knew it on this queue pair.
    ///
    /// From now on an invalidation by this side must not reach the device (T1).
    /// - Returns: whether it is bound there under that key.
    func peerInvalidated(_ key: UInt32, on queuePair: QueuePairCore) -> Bool {
        let mustEnd: Bool? = inside.withLock { inside in
            guard let binding = inside.state.binding, binding.manner.isByWindow, binding.remote?.key == key,
                binding.queuePair === queuePair
            else { return nil }
            switch inside.state {
            case .bound: return inside.beginEnding(.registration)
            case .binding: inside.isInvalidatedByPeer = true
            // The device has this side's invalidation as well, and says how it went.
            case .unbound, .preparing, .invalidating, .ending: break
            }
            return false
        }
        if mustEnd == true { end() }
        return mustEnd != nil
    }

    /// The queue pair is about to be destroyed: ends what is bound on it.
    func leave(_ queuePair: QueuePairCore) {
        let mustEnd: Bool? = inside.withLock { inside in
            guard inside.state.binding?.queuePair === queuePair else { return nil }
            // Where the device refused before, the queue pair cannot wait for somebody else to ask again.
            return inside.beginEndingAgain() || inside.beginEnding(.everything)
        }
        switch mustEnd {
        case true: end()
        // Whoever ends it does so first.
        case false: break
        case nil: queuePair.forget(self)
        }
    }

    /// The owner gave it up: ends the peer's access before it returns, unless a request that concerns it is under way.
    func abandon() {
        let mustEnd = inside.wait { inside -> Bool? in
            // What another thread has the device do may be what is to be done here.
            guard !inside.isInVerb else { return nil }
            inside.isAbandoned = true
            switch inside.state {
            case .unbound, .bound: return inside.beginEnding(.everything)
            case .ending(let binding, _):
                inside.state = .ending(binding, .everything)
                return false
            case .preparing, .binding, .invalidating: return false
            }
        }
        if mustEnd == true { end() }
    }

    /// Calls `body` once nothing is bound; at once, if that is so already.
    func whenUnbound(_ body: @escaping @Sendable () -> Void) {
        let isUnbound = inside.withLock { inside in
            if case .unbound = inside.state { return true }
            inside.onUnbound.append(body)
            return false
        }
        if isUnbound { body() }
    }
}
