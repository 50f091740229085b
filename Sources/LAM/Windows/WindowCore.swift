import Glibc
import Synchronization
import Tracking
import Verbs

/// A window as the threads share it: its owner's, the poller's, and whoever ends its queue pair.
///
/// rxe panics when a window is invalidated that is not bound (T1), and hangs when a queue pair goes while a window is
/// bound on it (T2). The state decides what may reach the device.
final class WindowCore: Sendable {
    let adapter: Adapter
    private let inside: Monitor<Inside>

    private enum State {
        case unbound
        /// The bind is posted. Whether it happened is known at its completion.
        case binding(Binding)
        case bound(Binding)
        /// The invalidation is posted.
        case invalidating(Binding)
        /// The device refused to deallocate the window; the adapter tries again.
        case dying(Binding?)

        var binding: Binding? {
            switch self {
            case .unbound: nil
            case .binding(let binding), .bound(let binding), .invalidating(let binding): binding
            case .dying(let binding): binding
            }
        }
    }

    /// What a window is bound to.
    private struct Binding {
        let mapping: MappingID
        let queuePair: QueuePairCore
        let remote: RemoteMemory
    }

    private struct Inside: ~Copyable {
        /// Nil after a bind of unknown fate: such a window is deallocated, and allocated anew when needed (T23).
        var window: Verbs.MemoryWindow?
        var state = State.unbound
        /// The peer invalidated what is being bound: its message may be polled before the bind's own completion.
        var isInvalidatedByPeer = false
        /// The owner is gone; what is posted still has to complete.
        var isAbandoned = false

        /// Has `body` look at the window; nil if there is none.
        borrowing func withWindow<Result>(_ body: (borrowing Verbs.MemoryWindow) -> Result) -> Result? {
            switch window {
            case .some(let window): body(window)
            case .none: nil
            }
        }
    }

    init(adapter: Adapter) throws(AdapterError) {
        self.adapter = adapter
        do {
            inside = Monitor(Inside(window: try Verbs.MemoryWindow(in: adapter.core.domain)))
        } catch {
            throw AdapterError(error)
        }
        adapter.core.children.withLock { $0.windowCount += 1 }
    }

    deinit {
        // Not when the owner gives the window up: the device may have it for longer.
        adapter.core.childGone { $0.windowCount -= 1 }
    }

    var remoteMemory: RemoteMemory? {
        inside.withLock { $0.state.binding?.remote }
    }

    // MARK: Binding

    /// Begins a bind of `bytes` bytes at `address`, which counts as a use of the mapping from now on.
    func beginBind(
        address: UInt64, length: UInt64, on queuePair: QueuePairCore
    ) throws(PostError) -> RemoteMemory {
        try inside.withLock { (inside) throws(PostError) in
            guard case .unbound = inside.state else { throw .window(.alreadyBound) }
            try Self.allocateIfNeeded(&inside, domain: adapter.core.domain)
            let held: (id: MappingID, memory: KeyedAddress)
            do throws(UseError) {
                held = try adapter.core.mappings.holdWindow(address: address, length: length)
            } catch {
                throw PostError(error, element: 0)
            }
            let remote = RemoteMemory(address: held.memory.address, key: inside.withWindow { $0.nextKey }!)
            inside.state = .binding(Binding(mapping: held.id, queuePair: queuePair, remote: remote))
            return remote
        }
    }

    private static func allocateIfNeeded(_ inside: inout Inside, domain: ProtectionDomain) throws(PostError) {
        guard inside.window == nil else { return }
        do { inside.window = try Verbs.MemoryWindow(in: domain) } catch {
            throw .verbFailed(verb: error.verb.description, errno: error.code)
        }
    }

    /// Has `append` write the bind's request; the window's key is from then on the new one.
    func appendBind(_ append: (borrowing Verbs.MemoryWindow, _ key: UInt32) -> Void) {
        inside.withLock { inside in
            guard case .binding(let binding) = inside.state else { return }
            inside.withWindow { append($0, binding.remote.key) }
        }
    }

    /// The bind was not posted after all.
    func cancelBind() {
        inside.withLock { inside in
            drop(inside.state.binding)
            inside.state = .unbound
        }
    }

    // MARK: Invalidating

    /// Begins an invalidation on the queue pair that bound the window.
    ///
    /// - Returns: the key that the request names.
    func beginInvalidate(on queuePair: QueuePairCore) throws(PostError) -> UInt32 {
        try inside.withLock { (inside) throws(PostError) in
            switch inside.state {
            case .unbound, .invalidating, .dying: throw .window(.notBound)
            case .binding: throw .window(.stillBinding)
            case .bound(let binding):
                guard binding.queuePair === queuePair else { throw .window(.boundElsewhere) }
                inside.state = .invalidating(binding)
                return binding.remote.key
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
        inside.withLock { inside in
            switch (inside.state, operation, isSuccess) {
            case (.binding(let binding), .bind, true):
                // The provider names the window by this key in the next bind.
                inside.window?.key = binding.remote.key
                inside.state = .bound(binding)
                if inside.isInvalidatedByPeer { unbind(&inside) }
                if inside.isAbandoned { deallocate(&inside) }
            case (.invalidating, .invalidate, true):
                unbind(&inside)
                if inside.isAbandoned { deallocate(&inside) }
            default:
                // It failed or was flushed, or its queue pair is gone: only deallocation is certain.
                deallocate(&inside)
            }
        }
    }

    /// The device does not know the binding any more; the window is as good as before it.
    private func unbind(_ inside: inout Inside) {
        let binding = inside.state.binding
        inside.state = .unbound
        inside.isInvalidatedByPeer = false
        binding?.queuePair.forget(self)
        drop(binding)
    }

    /// A message of the peer arrived that invalidated `key`, if the device knew it on this queue pair.
    ///
    /// From now on an invalidation by this side must not reach the device (T1).
    func peerInvalidated(_ key: UInt32, on queuePair: QueuePairCore) {
        inside.withLock { inside in
            guard let binding = inside.state.binding, binding.remote.key == key, binding.queuePair === queuePair else {
                return
            }
            switch inside.state {
            case .bound: unbind(&inside)
            case .binding: inside.isInvalidatedByPeer = true
            // The device has this side's invalidation as well, and says how it went.
            case .unbound, .invalidating, .dying: break
            }
        }
    }

    /// The queue pair is about to be destroyed: ends what is bound on it.
    func leave(_ queuePair: QueuePairCore) {
        inside.withLock { inside in
            guard inside.state.binding?.queuePair === queuePair else { return queuePair.forget(self) }
            deallocate(&inside)
        }
    }

    /// The owner gave the window up.
    func abandon() {
        inside.withLock { inside in
            switch inside.state {
            case .unbound, .bound: deallocate(&inside)
            case .binding, .invalidating, .dying: inside.isAbandoned = true
            }
        }
    }

    /// Ends the peer's access for certain; the window's use of its mapping ends with it.
    private func deallocate(_ inside: inout Inside) {
        let binding = inside.state.binding
        if let window = inside.window.take(), case .refused(let kept, _) = window.deallocate() {
            inside.window = consume kept
            adapter.core.counters.refusedDestructions.add(1, ordering: .relaxed)
            if case .dying = inside.state { return }
            inside.state = .dying(binding)
            return retryLater()
        }
        unbind(&inside)
    }

    private func retryLater() {
        adapter.errands.run {
            usleep(Self.retryPauseMicroseconds)
            self.retryDeallocation()
        }
    }

    private static let retryPauseMicroseconds: UInt32 = 1000

    private func retryDeallocation() {
        inside.withLock { inside in
            guard case .dying = inside.state else { return }
            deallocate(&inside)
            if case .dying = inside.state { retryLater() }
        }
    }

    private func drop(_ binding: Binding?) {
        guard let binding else { return }
        adapter.core.mappings.dropWindow(binding.mapping)
    }
}

/// A request on a send queue that changes a window.
struct WindowOperation {
    let operation: Operation
    let window: WindowCore
}
