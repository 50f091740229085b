import Glibc

/// State that several threads share, with a way to wait until it changes.
///
/// For everything that is not on the way of a request. A pthread mutex rather than `Synchronization.Mutex`: it can be
/// waited on, and ThreadSanitizer understands it.
// Sendable: `state` is touched only under `mutex`.
@safe
package final class Monitor<State: ~Copyable>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    /// In memory of its own, so that no access pays for an exclusivity check on top of the mutex.
    private let state: UnsafeMutablePointer<State>

    package init(_ state: consuming sending State) {
        unsafe self.state = .allocate(capacity: 1)
        unsafe self.state.initialize(to: state)
        unsafe mutex = .allocate(capacity: 1)
        unsafe changed = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(changed, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(changed)
        unsafe pthread_mutex_destroy(mutex)
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
        unsafe changed.deallocate()
        unsafe mutex.deallocate()
    }

    /// Runs `body` alone with the state.
    package func withLock<Result: ~Copyable, Failure>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try unsafe body(&state.pointee)
    }

    /// Wakes every thread in `wait`.
    package func signal() {
        unsafe pthread_cond_broadcast(changed)
    }

    /// Waits until `body` gives a result.
    ///
    /// - Parameters:
    ///   - timeout: how long at most; nil waits without end.
    ///   - body: looks at the state, and may change it.
    /// - Returns: nil after the timeout.
    package func wait<Result>(atMost timeout: Duration? = nil, until body: (inout State) -> Result?) -> Result? {
        wait(before: timeout.map(MonotonicTime.now.advanced), until: body)
    }

    /// The same until a moment; nil waits without end.
    package func wait<Result>(before deadline: MonotonicTime?, until body: (inout State) -> Result?) -> Result? {
        var deadline = deadline?.timespec
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while true {
            if let result = unsafe body(&state.pointee) { return result }
            if deadline == nil {
                unsafe pthread_cond_wait(changed, mutex)
            } else if unsafe pthread_cond_timedwait(changed, mutex, &deadline!) == ETIMEDOUT {
                return unsafe body(&state.pointee)
            }
        }
    }
}
