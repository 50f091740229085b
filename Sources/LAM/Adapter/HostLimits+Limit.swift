extension HostLimits {
    /// How much the system allows of something that is counted in bytes.
    public enum Limit: Hashable, Sendable {
        /// Not more than so many bytes.
        case bytes(Int)

        /// As much as there is.
        case unlimited

        /// The system did not say; treat it as a limit that shows itself only when it is hit.
        case unknown
    }
}

extension HostLimits.Limit {
    /// Whether a total of `bytes` bytes is more than this allows; an unknown limit allows everything.
    public func isExceeded(by bytes: Int) -> Bool {
        guard case .bytes(let limit) = self else { return false }
        return bytes > limit
    }

    /// The stricter of two limits that hold at once.
    package func stricter(_ other: Self) -> Self {
        switch (self, other) {
        case (.bytes(let left), .bytes(let right)): .bytes(min(left, right))
        case (.bytes, _), (.unlimited, .unknown): self
        case (.unlimited, _), (.unknown, _): other
        }
    }
}

extension HostLimits.Limit: CustomStringConvertible {
    /// The limit in words, such as `8388608 bytes`, `unlimited` or `unknown`.
    public var description: String {
        switch self {
        case .bytes(let bytes): "\(bytes) bytes"
        case .unlimited: "unlimited"
        case .unknown: "unknown"
        }
    }
}
