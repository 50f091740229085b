import Glibc
package import Verbs

/// A thread of the library's own.
@safe
package struct WorkerThread: Sendable {
    private let thread: pthread_t

    /// Starts a thread that runs `body` once.
    ///
    /// - Throws: `EAGAIN` where there are as many threads as there may be.
    package init(_ body: @escaping @Sendable () -> Void) throws(VerbError) {
        var thread: pthread_t = 0
        let box = unsafe Unmanaged.passRetained(Body(run: body))
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                // Retained just for this call.
                unsafe Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        guard code == 0 else {
            unsafe box.release()
            throw VerbError(.startThread, code)
        }
        self.thread = thread
    }

    /// Whether the caller runs on it.
    package var isCurrent: Bool { pthread_equal(thread, pthread_self()) != 0 }

    /// Waits until the thread has ended; from inside the thread itself it lets the thread go instead.
    package func join() {
        if isCurrent { detach() } else { pthread_join(thread, nil) }
    }

    /// Lets the thread go on by itself.
    package func detach() {
        pthread_detach(thread)
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }
}
