internal import Synchronization

/// Which `ConnectionIdentifier` an event is about: a number that is never used again.
///
/// The address of the C structure would not do, because a new one may get the place of an old one.
package struct ConnectionIdentity: Hashable, Sendable {
    private static let counter = Atomic<UInt>(0)

    /// The number, which travels as the context of the C structure. Never 0.
    let number: UInt

    static func next() -> Self {
        // Only uniqueness matters.
        Self(number: counter.wrappingAdd(1, ordering: .relaxed).newValue)
    }
}
