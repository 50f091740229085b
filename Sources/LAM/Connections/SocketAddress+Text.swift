import Glibc

extension SocketAddress: LosslessStringConvertible {
    /// Parses `10.77.0.1:7471`, `[2001:db8::1]:7471`, `[fe80::1%2]:7471` or `[fe80::1%eth0]:7471`.
    ///
    /// Nil for anything else: names are not looked up, and the port is needed.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Self.port(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        let isBracketed = host.first == "[" && host.last == "]"
        if isBracketed { host = host.dropFirst().dropLast() }
        let parts = host.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        // Brackets belong to IPv6, because its colons would be taken for the port's.
        guard let address = IPAddress(String(parts[0])), isBracketed == parts[0].contains(":") else { return nil }
        guard parts.count == 2 else {
            self.init(address, port: port)
            return
        }
        guard isBracketed, let scope = Self.scope(String(parts[1])) else { return nil }
        self.init(address, port: port, scopeID: scope)
    }

    /// The form that ``init(_:)`` parses; the scope as a number.
    public var description: String {
        guard !address.isIPv4 else { return "\(address):\(port)" }
        return "[\(address)\(scopeID == 0 ? "" : "%\(scopeID)")]:\(port)"
    }

    /// Digits only: `UInt16` alone would take a sign as well.
    private static func port(_ text: Substring) -> UInt16? {
        text.allSatisfy { ("0"..."9").contains($0) } ? UInt16(text) : nil
    }

    /// The index of an interface that was given by its index or its name.
    private static func scope(_ text: String) -> UInt32? {
        let index = unsafe UInt32(text) ?? if_nametoindex(text)
        return index == 0 ? nil : index
    }
}
