import Synchronization

/// A value that cannot be copied in a box, for closures that must not consume what they capture.
package final class Box<Value: ~Copyable & Sendable>: Sendable {
    private let value: Mutex<Value?>

    package init(_ value: consuming Value? = nil) {
        var value = consume value
        self.value = Mutex(value.take())
    }

    package func put(_ value: consuming Value) {
        var value: Value? = consume value
        self.value.withLock { $0 = value.take() }
    }

    /// Takes the value out; nil if somebody did so before.
    package func take() -> Value? {
        value.withLock { $0.take() }
    }
}
