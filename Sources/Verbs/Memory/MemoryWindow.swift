internal import CRDMA

/// A window of type 2: a key for a part of a region, given and taken back by work requests
/// (`ibv_mw`).
///
/// The device does not count binds, and a local invalidation of an unbound window brings a whole
/// rxe machine down, so the layer above keeps the state of each window. A window must end in
/// `deallocate()`; dropping one traps.
@safe
package struct MemoryWindow: ~Copyable, @unchecked Sendable {
    /// The domain within which the window works.
    package let domain: ProtectionDomain
    // Only this value uses the C object, and libibverbs lets any thread do so: hence `@unchecked
    // Sendable`.
    let raw: UnsafeMutablePointer<ibv_mw>
    private var isSpent = false

    /// Creates an unbound window (`ibv_alloc_mw`).
    ///
    /// - Throws: `EOPNOTSUPP` or `ENOSYS` where the device has no windows of type 2.
    package init(in domain: ProtectionDomain) throws(VerbError) {
        var raw: UnsafeMutablePointer<ibv_mw>?
        let code = unsafe domain.context.verbs.memory.allocateWindow(
            domain.raw, IBV_MW_TYPE_2, &raw)
        try check(.allocateWindow, code)
        unsafe self.raw = unsafe created(raw, by: .allocateWindow)
        self.domain = domain
    }

    /// The current key: what the device believes that the window is called.
    ///
    /// Providers do not advance it when a bind is posted, and send it along with the next bind. So
    /// set it to the bind's key when the bind was posted, and back when the bind failed (a bind
    /// that was flushed may have happened or not: then only a new window helps).
    package var key: UInt32 {
        get { unsafe raw.pointee.rkey }
        nonmutating set { unsafe raw.pointee.rkey = newValue }
    }

    /// The key for the next bind: the same window, its low eight bits one further (`ibv_inc_rkey`).
    ///
    /// An old key is valid again after 256 binds.
    package var nextKey: UInt32 { ibv_inc_rkey(key) }

    /// Destroys the window, and unbinds it where it is bound (`ibv_dealloc_mw`: a system call).
    ///
    /// Do this before destroying the queue pair on which it is bound: rxe blocks for most of a
    /// minute otherwise.
    package consuming func deallocate() -> Deallocation {
        let code = unsafe domain.context.verbs.memory.deallocateWindow(raw)
        guard code == 0 else { return .refused(self, VerbError(.deallocateWindow, code)) }
        isSpent = true
        return .done
    }

    deinit {
        guard isSpent else {
            fatalError("MemoryWindow: dropped while allocated; end it with deallocate()")
        }
    }
}

/// The outcome of `MemoryWindow.deallocate()`.
package enum Deallocation: ~Copyable {
    /// The window is gone.
    case done
    /// The window is as it was, and why.
    case refused(MemoryWindow, VerbError)
}
