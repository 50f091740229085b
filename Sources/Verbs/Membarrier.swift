internal import CRDMA

/// The barrier that lets a frequent side do without one of its own (`membarrier`, private and
/// expedited).
///
/// Having a value means that the process is registered for it.
package struct Membarrier: Sendable {
    /// Registers the process; registering again is harmless. A system call.
    ///
    /// - Throws: `ENOSYS` or `EINVAL` where the kernel does not offer it: the frequent side then
    ///   needs a barrier.
    package init() throws(VerbError) {
        try check(
            .membarrier,
            crdma_membarrier(CInt(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED.rawValue)))
    }

    /// When this returns, every thread of the process has passed through a full memory barrier
    /// since the call.
    ///
    /// A system call that interrupts every processor on which a thread of the process runs:
    /// microseconds.
    package func issue() {
        let code = crdma_membarrier(CInt(MEMBARRIER_CMD_PRIVATE_EXPEDITED.rawValue))
        guard code == 0 else { fatalError("\(VerbError(.membarrier, code))") }
    }
}
