/// An IP address and a port: the name of one end of a connection.
///
/// Ports of rdma_cm are a space of their own on RoCE and InfiniBand: the same number may be used by TCP.
public struct SocketAddress: Hashable, Sendable {
    /// The address.
    public var address: IPAddress
    /// The port; 0 has the system choose one.
    public var port: UInt16
    /// The index of the network interface to which a link-local IPv6 address belongs; 0 for other addresses.
    public var scopeID: UInt32

    /// Composes an address.
    public init(_ address: IPAddress, port: UInt16, scopeID: UInt32 = 0) {
        self.address = address
        self.port = port
        self.scopeID = scopeID
    }

    /// The address, on the link with the index if it needs one and has none.
    func onLink(_ scopeID: UInt32) -> SocketAddress {
        guard address.isLinkLocal, self.scopeID == 0 else { return self }
        return SocketAddress(address, port: port, scopeID: scopeID)
    }
}

extension IPAddress {
    /// Whether it names no host: `0.0.0.0` or `::`.
    var isUnspecified: Bool {
        for index in (isIPv4 ? 12 : 0)..<16 where bytes[index] != 0 { return false }
        return true
    }

    /// Whether it is an IPv6 address that means something on one link only: `fe80::/10`.
    var isLinkLocal: Bool { bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80 }
}
