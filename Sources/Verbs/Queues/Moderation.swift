/// How many completions, or how much time, come before a completion event (`ibv_moderate_cq`).
package struct Moderation: Hashable, Sendable {
    /// How many completions.
    package let count: UInt16
    /// How long after the first of them, in microseconds.
    package let microseconds: UInt16

    /// Every completion raises an event; as limits of a device: it cannot do otherwise.
    package static let off = Moderation(count: 0, microseconds: 0)

    /// Whichever comes first.
    package init(count: UInt16, microseconds: UInt16) {
        self.count = count
        self.microseconds = microseconds
    }

    /// Whether it makes a difference.
    package var isOn: Bool { count > 0 && microseconds > 0 }
}
