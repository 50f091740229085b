import Glibc

/// A thread of the library's own.
@safe
struct WorkerThread: Sendable {
    private let thread: pthread_t

    /// Starts a thread that runs `body` once.
    ///
    /// - Parameter name: what `top -H` and a debugger show, at most 15 bytes.
    init(name: String, _ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Body(run: body))
        let code = unsafe pthread_create(&thread, nil, { argument in
            let body = unsafe Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue()
            body.run()
            return nil
        }, box.toOpaque())
        guard code == 0 else { fatalError("pthread_create for \(name): errno \(code)") }
        unsafe pthread_setname_np(thread, name)
        self.thread = thread
    }

    /// Waits until the thread has ended; from inside the thread itself it lets the thread go instead.
    func join() {
        if pthread_equal(thread, pthread_self()) != 0 {
            pthread_detach(thread)
        } else {
            unsafe pthread_join(thread, nil)
        }
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }
}
