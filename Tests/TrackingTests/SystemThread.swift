import Glibc

/// A thread of the system: tasks may share one, and then nothing races.
final class SystemThread {
    private var handle = pthread_t()

    init(_ body: @escaping @Sendable () -> Void) {
        let box = unsafe Unmanaged.passRetained(Box(body))
        let failure = unsafe pthread_create(
            &handle, nil,
            { argument in
                unsafe Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
                return nil
            }, box.toOpaque())
        guard failure == 0 else { fatalError("pthread_create failed: \(failure)") }
    }

    /// Waits until the thread has ended.
    func join() {
        pthread_join(handle, nil)
    }

    /// Sends the thread a signal.
    func interrupt(_ signal: Int32) {
        pthread_kill(handle, signal)
    }

    private final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}

/// Waits until `condition` holds, for a thread that gets there in nanoseconds if it has a processor.
func spin(until condition: () -> Bool) {
    while true {
        for _ in 0..<1000 where condition() { return }
        sched_yield()
    }
}
