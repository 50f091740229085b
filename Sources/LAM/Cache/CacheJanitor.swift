import Synchronization
import Verbs

/// The thread that has idle registrations of one cache unpinned. It sleeps while there are none.
enum CacheJanitor {
    /// Starts the thread, which ends when the cache is closed.
    static func start(_ cache: CacheCore) throws(VerbError) {
        let pause = cache.options.idleLimit / 2
        // The cache does not wait for it: it keeps the cache.
        try WorkerThread {
            while awaitRegistrations(of: cache), pauseFor(pause, cache) {
                cache.clock.wrappingAdd(1, ordering: .relaxed)
                cache.evictIdle()
            }
        }.detach()
    }

    /// - Returns: false if the cache is closed.
    private static func awaitRegistrations(of cache: CacheCore) -> Bool {
        cache.index.wait { index in
            if index.isClosing { return false }
            guard index.findsNothing else { return true }
            index.noteWait()
            return nil
        } ?? false
    }

    /// - Returns: false if the cache is closed before the end of it.
    private static func pauseFor(_ pause: Duration, _ cache: CacheCore) -> Bool {
        cache.index.wait(atMost: pause) { $0.isClosing ? false : nil } ?? true
    }
}
