import Verbs

extension SocketAddress {
    /// Takes over what librdmacm reports.
    init(_ address: Verbs.SocketAddress) {
        switch address {
        case .ipv4(let value, let port):
            let mapped = GlobalIdentifier(prefix: 0, interface: 0xFFFF_0000_0000 | UInt64(value))
            self.init(IPAddress(mapped), port: port)
        case .ipv6(let high, let low, let port, let scope):
            self.init(IPAddress(GlobalIdentifier(prefix: high, interface: low)), port: port, scopeID: scope)
        }
    }

    /// The address in the form that librdmacm takes.
    var raw: Verbs.SocketAddress {
        let gid = address.gid
        return address.isIPv4
            ? .ipv4(address: UInt32(truncatingIfNeeded: gid.interface), port: port)
            : .ipv6(high: gid.prefix, low: gid.interface, port: port, scope: scopeID)
    }
}
