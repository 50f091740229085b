/// A peer's access to bytes of a mapping, for as long as this value lives.
///
/// It opens the bytes that were asked for, to the peer of one queue pair, and nothing else:
///
/// | device | how |
/// |---|---|
/// | keeps a peer within the range of a window (``AdapterInfo/confinesWindows``) | a window over the mapping |
/// | does not, or is not known to, such as rxe | a registration of exactly the bytes, and a window over all of it |
/// | has no windows (``AdapterInfo/hasWindows``) | a registration of exactly the bytes, whose key every peer of the adapter can use |
///
/// The mapping is in use until the access has certainly ended: by ``revoke()`` from any thread, the end of its time, the
/// end of the queue pair, or a message of the peer that invalidates the key. Nothing is posted for that, so that neither
/// a full nor a failed queue is in the way.
public struct Grant: ~Copyable, Sendable {
    /// What the peer must name. It may be told in any way.
    public let remoteMemory: RemoteMemory

    private let binding: BindingCore
    private let deadline: Alarm?

    init(_ remoteMemory: RemoteMemory, _ binding: BindingCore, until deadline: Alarm?) {
        self.remoteMemory = remoteMemory
        self.binding = binding
        self.deadline = deadline
    }

    deinit {
        if let deadline { binding.adapter.deadlines.withLock { $0 }?.callOff(deadline) }
        binding.abandon()
    }

    /// Whether the peer can still use it, as far as this side knows.
    public var isLive: Bool { binding.isUsable == true }

    /// Ends the peer's access before it returns; from any thread. What the peer has under way fails.
    ///
    /// A device may refuse, which none is known to do. It is then asked again until it does not, and the mapping is in use
    /// until then; ``revoked()`` waits for it. Dropping the grant does the same.
    /// - Complexity: `ibv_dealloc_mw` and, where bytes were registered for the grant, `ibv_dereg_mr`.
    public consuming func revoke() {}

    /// The same, and suspends until the access has certainly ended.
    public consuming func revoked() async {
        let binding = binding
        revoke()
        await withCheckedContinuation { continuation in
            binding.whenUnbound { continuation.resume() }
        }
    }
}
