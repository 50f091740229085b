import Glibc
import Tracking

/// A thread of the system: tasks share a few, and a test that blocks one must not hold up others.
package final class TestThread: Sendable {
    private let handle: pthread_t

    /// Starts a thread.
    package init(_ body: @escaping @Sendable () -> Void) {
        var handle = pthread_t()
        let box = unsafe Unmanaged.passRetained(Box(body))
        let failure = unsafe pthread_create(
            &handle, nil,
            { argument in
                // Retained just for this call.
                unsafe Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
                return nil
            }, box.toOpaque())
        guard failure == 0 else { fatalError("pthread_create failed: \(failure)") }
        self.handle = handle
    }

    /// Waits until the thread has ended.
    package func join() {
        pthread_join(handle, nil)
    }

    private final class Box: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}

/// A value that threads of a test share.
package final class SharedValue<Value: Sendable>: Sendable {
    private let storage: Locked<Value>

    /// Begins with a value.
    package init(_ value: Value) {
        storage = Locked(value)
    }

    /// The value at this moment.
    package var value: Value {
        get { storage.withLock { $0 } }
        set { storage.withLock { $0 = newValue } }
    }

    /// Changes the value, alone.
    package func update(_ body: (inout Value) -> Void) {
        storage.withLock { body(&$0) }
    }
}
