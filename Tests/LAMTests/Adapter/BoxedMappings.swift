import LAM
import Tracking
import TestSupport

/// A mapping in a box, for arrays and tasks, which cannot hold noncopyable values.
final class BoxedMapping: Sendable {
    private let mapping: Locked<LogicalAddressMapping?>
    /// An element over its first bytes; stays valid as a value after the mapping is gone.
    let element: ScatterGatherElement

    init(_ mapping: consuming LogicalAddressMapping) {
        element = mapping.element(0..<8)
        self.mapping = Locked(consume mapping)
    }

    /// Takes the mapping out; nil if somebody did so before.
    func take() -> LogicalAddressMapping? {
        mapping.withLock { $0.take() }
    }
}

/// Several mappings.
struct BoxedMappings {
    private let mappings: [BoxedMapping]

    init(_ mappings: [BoxedMapping]) {
        self.mappings = mappings
    }

    func take(_ index: Int) -> LogicalAddressMapping? { mappings[index].take() }

    func elements(_ indices: Int...) -> [ScatterGatherElement] { indices.map { mappings[$0].element } }
}

extension Adapter {
    /// A mapping in a box.
    func mapBoxed(pages: Int = 1) throws -> BoxedMapping {
        BoxedMapping(try map(pages: pages))
    }
}
