import Glibc
import StubProvider

/// Threads that begin at the same moment, each on a processor of its own.
enum Threads {
    /// Runs `body` on `count` threads at once, and gives what each of them returned.
    ///
    /// They are bound to processors: new threads begin on that of their parent, and for some milliseconds they would
    /// share it.
    static func run(_ count: Int, _ body: @escaping @Sendable (_ number: Int) throws -> Double) throws -> [Double] {
        let line = StartingLine(count)
        let threads = (0..<count).map { number in
            Thread {
                stub_bind_to_processor(CInt(number))
                line.wait()
                return try body(number)
            }
        }
        return try threads.map { try $0.join() }
    }
}

/// Where threads wait for each other.
private final class StartingLine: @unchecked Sendable {
    private let barrier: UnsafeMutablePointer<pthread_barrier_t>

    init(_ count: Int) {
        barrier = .allocate(capacity: 1)
        pthread_barrier_init(barrier, nil, CUnsignedInt(count))
    }

    func wait() { pthread_barrier_wait(barrier) }

    deinit {
        pthread_barrier_destroy(barrier)
        barrier.deallocate()
    }
}

/// A thread with a result.
// Sendable: the result is read after the thread has ended.
private final class Thread: @unchecked Sendable {
    private var handle = pthread_t()
    private var result: Result<Double, any Error> = .success(0)
    private let body: @Sendable () throws -> Double

    init(_ body: @escaping @Sendable () throws -> Double) {
        self.body = body
        let code = pthread_create(
            &handle, nil,
            { argument in
                // Retained just for this call.
                let thread = Unmanaged<Thread>.fromOpaque(argument!).takeRetainedValue()
                thread.result = Result { try thread.body() }
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        guard code == 0 else { fatalError("pthread_create failed with \(code)") }
    }

    func join() throws -> Double {
        pthread_join(handle, nil)
        return try result.get()
    }
}
