internal import CRDMA
internal import Glibc

/// An internet address with a port, as connections are made between (`sockaddr_in`,
/// `sockaddr_in6`).
package enum SocketAddress: Hashable, Sendable {
    /// The address and the port in host byte order.
    case ipv4(address: UInt32, port: UInt16)
    /// The two halves of the address and the port in host byte order, and the number of the
    /// interface for a link-local address.
    case ipv6(high: UInt64, low: UInt64, port: UInt16, scope: UInt32)

    /// The port, in host byte order; 0 lets the system choose one.
    package var port: UInt16 {
        switch self {
        case .ipv4(_, let port), .ipv6(_, _, let port, _): port
        }
    }
}

extension SocketAddress {
    /// Copies an address out of C.
    ///
    /// - Returns: `nil` for a family other than IPv4 and IPv6, as of an address that is not known
    ///   yet.
    @unsafe
    init?(_ raw: UnsafePointer<sockaddr>) {
        let bytes = unsafe UnsafeRawPointer(raw)
        switch unsafe CInt(raw.pointee.sa_family) {
        case AF_INET:
            // The family says that the address is this long.
            let address = unsafe bytes.loadUnaligned(as: sockaddr_in.self)
            self = .ipv4(
                address: UInt32(bigEndian: address.sin_addr.s_addr),
                port: UInt16(bigEndian: address.sin_port))
        case AF_INET6:
            // As above.
            let address = unsafe bytes.loadUnaligned(as: sockaddr_in6.self)
            let halves = unsafe unsafeBitCast(address.sin6_addr, to: (UInt64, UInt64).self)
            self = .ipv6(
                high: UInt64(bigEndian: halves.0), low: UInt64(bigEndian: halves.1),
                port: UInt16(bigEndian: address.sin6_port), scope: address.sin6_scope_id)
        default:
            return nil
        }
    }

    /// Calls with the address as C takes it, valid during the call.
    func withPointer<Result>(_ body: (UnsafeMutablePointer<sockaddr>) -> Result) -> Result {
        var storage = sockaddr_storage()
        return unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            switch self {
            case .ipv4(let address, let port):
                var raw = sockaddr_in()
                raw.sin_family = sa_family_t(AF_INET)
                raw.sin_addr.s_addr = address.bigEndian
                raw.sin_port = port.bigEndian
                unsafe bytes.storeBytes(of: raw, as: sockaddr_in.self)
            case .ipv6(let high, let low, let port, let scope):
                var raw = sockaddr_in6()
                raw.sin6_family = sa_family_t(AF_INET6)
                raw.sin6_addr = unsafe unsafeBitCast(
                    (high.bigEndian, low.bigEndian), to: in6_addr.self)
                raw.sin6_port = port.bigEndian
                raw.sin6_scope_id = scope
                unsafe bytes.storeBytes(of: raw, as: sockaddr_in6.self)
            }
            // The storage is aligned for every family, and outlives the call.
            return unsafe body(bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self))
        }
    }
}

extension SocketAddress: CustomStringConvertible {
    /// `10.0.0.1:4420`, `[fe80::1%2]:4420`.
    package var description: String {
        switch self {
        case .ipv4(let address, let port):
            var raw = in_addr(s_addr: address.bigEndian)
            return "\(unsafe text(AF_INET, &raw)):\(port)"
        case .ipv6(let high, let low, let port, let scope):
            var raw = (high.bigEndian, low.bigEndian)
            return "[\(unsafe text(AF_INET6, &raw))\(scope == 0 ? "" : "%\(scope)")]:\(port)"
        }
    }

    private func text(_ family: CInt, _ address: UnsafeRawPointer) -> String {
        let capacity = Int(INET6_ADDRSTRLEN)
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
            // The longest address fits, so this cannot fail.
            unsafe inet_ntop(family, address, buffer.baseAddress, socklen_t(capacity))
            return unsafe String(cString: buffer.baseAddress!)
        }
    }
}
