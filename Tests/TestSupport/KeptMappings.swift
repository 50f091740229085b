package import LAM
import Synchronization

/// Mappings that a test keeps until it has enough of them.
package final class KeptMappings: Sendable {
    private let boxes = SharedValue<[Box]>([])

    /// Begins with none.
    package init() {}

    private final class Box: Sendable {
        private let mapping: Mutex<LogicalAddressMapping?>

        init(_ mapping: consuming LogicalAddressMapping) {
            self.mapping = Mutex(consume mapping)
        }
    }

    /// Keeps one more.
    package func add(_ mapping: consuming LogicalAddressMapping) {
        let box = Box(mapping)
        boxes.update { $0.append(box) }
    }

    /// How many there are.
    package var count: Int { boxes.value.count }

    /// Releases all of them.
    package func releaseAll() { boxes.value = [] }
}
