import ArgumentParser
import LAM

/// Where a server is, as people write it: an address, and a port if it is not the usual one.
struct PeerAddress: ExpressibleByArgument {
    /// The port on which `lam serve` listens unless another one is asked for.
    static let usualPort: UInt16 = 7326

    let socketAddress: SocketAddress

    /// Parses `192.0.2.1`, `192.0.2.1:7000`, `2001:db8::1`, `[2001:db8::1]:7000`.
    init?(argument: String) {
        if let complete = SocketAddress(argument) {
            socketAddress = complete
        } else if let withPort = SocketAddress("\(argument):\(Self.usualPort)")
            ?? SocketAddress("[\(argument)]:\(Self.usualPort)")
        {
            socketAddress = withPort
        } else {
            return nil
        }
    }
}

/// A local address of an adapter, without a port.
struct LocalAddress: ExpressibleByArgument {
    let address: IPAddress

    init?(argument: String) {
        guard let address = IPAddress(argument) else { return nil }
        self.address = address
    }
}
