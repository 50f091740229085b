/// An address of mapped memory as the adapter sees it, in bytes.
///
/// Scatter/gather elements that carry the privileged token, and page arrays of fast registrations, name memory by
/// logical addresses (rule L14). They are neither virtual nor physical addresses: nothing can be read through one, and
/// the library chooses them when it builds a mapping.
///
/// A logical address begins at the same offset within a page as the memory behind it, and is valid until its mapping is
/// released. Two mappings are never adjacent, so arithmetic that leaves a mapping never reaches another one (rule L9).
public struct LogicalAddress: RawRepresentable, Hashable, Sendable {
    /// The address as a number; `NDK_LOGICAL_ADDRESS` in the C interface.
    public let rawValue: UInt64

    /// Names a logical address; whether a mapping stands behind it is checked when a request uses it.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

extension LogicalAddress: Comparable, Strideable {
    /// Whether both name the same byte.
    public static func == (left: Self, right: Self) -> Bool {
        // Written out because the default of `Strideable` would go through `distance(to:)`.
        left.rawValue == right.rawValue
    }

    /// Whether the left byte lies before the right one.
    public static func < (left: Self, right: Self) -> Bool {
        left.rawValue < right.rawValue
    }

    /// The address `bytes` bytes further on, or back if negative.
    ///
    /// Traps if the result is not a 64-bit address.
    public func advanced(by bytes: Int) -> LogicalAddress {
        let (address, overflow) =
            bytes < 0
            ? rawValue.subtractingReportingOverflow(UInt64(bytes.magnitude))
            : rawValue.addingReportingOverflow(UInt64(bytes.magnitude))
        guard !overflow else { fatalError("LogicalAddress: \(self) advanced by \(bytes) bytes is no 64-bit address") }
        return LogicalAddress(rawValue: address)
    }

    /// How many bytes `other` lies after this address; negative if it lies before.
    ///
    /// Traps if the distance does not fit an `Int`, which cannot happen between addresses of one mapping.
    public func distance(to other: LogicalAddress) -> Int {
        let isAfter = other.rawValue >= rawValue
        let magnitude = isAfter ? other.rawValue - rawValue : rawValue - other.rawValue
        guard let bytes = Int(exactly: magnitude) else {
            fatalError("LogicalAddress: the distance from \(self) to \(other) does not fit an Int")
        }
        return isAfter ? bytes : -bytes
    }
}

extension LogicalAddress: CustomStringConvertible {
    /// The address in hexadecimal, such as `0x7f40001000`.
    public var description: String { hexadecimal(rawValue) }
}

/// How this module writes addresses into messages: in hexadecimal with the prefix `0x`.
func hexadecimal(_ address: some BinaryInteger) -> String {
    "0x" + String(address, radix: 16)
}
