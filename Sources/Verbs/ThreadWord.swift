public import CRDMA

/// A word of each thread's own, zero until the thread sets it.
@usableFromInline
package enum ThreadWord {
    /// The calling thread's word.
    ///
    /// - Complexity: one load or store; unlike `pthread_getspecific` it calls nothing.
    @inlinable @inline(__always)
    package static var current: UInt {
        get { UInt(crdma_get_thread_word()) }
        set { crdma_set_thread_word(newValue) }
    }
}
