internal import CRDMA

/// The payload of the largest packet of a path (`ibv_mtu`).
package struct PathMTU: RawRepresentable, Hashable, Comparable, Sendable {
    /// The number in `ibv_mtu`: 1 for 256 bytes, and one more for each doubling.
    package let rawValue: UInt32

    /// Takes the number in `ibv_mtu`.
    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    init(_ raw: ibv_mtu) {
        rawValue = raw.rawValue
    }

    /// The payload in bytes; 0 for a number outside the encoding.
    package var bytes: Int { (1...5).contains(rawValue) ? 128 << Int(rawValue) : 0 }

    /// Orders by size.
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
