/// Why two ends did not come together, or apart.
@nonexhaustive
public enum ConnectionError: Error, Hashable, Sendable {
    /// The other end said no: why, and the private data that it sent with it (zeros behind).
    case refused(SocketAddress, reason: RefusalReason, privateData: [UInt8])
    /// There is no route to the network of the address.
    case networkUnreachable(SocketAddress)
    /// Nothing answers at the address.
    case hostUnreachable(SocketAddress)
    /// The peer did not answer in time.
    case timedOut(SocketAddress, after: Duration)
    /// The peer gave the connection up while it was being made; the private data that it sent with it, if it did.
    case aborted(SocketAddress, privateData: [UInt8])
    /// The task that waited was cancelled.
    case cancelled
    /// Another listener, shared endpoint or connection has the local address and port, or did have it and still has
    /// connections.
    case addressInUse(SocketAddress)
    /// A connection of the shared endpoint at the first address has the second one as its peer already.
    case addressAlreadyExists(from: SocketAddress, to: SocketAddress)
    /// No port in 49152...65535 is free at the address.
    case noPortLeft(SocketAddress)
    /// The shared endpoint at the address was closed.
    case endpointClosed(SocketAddress)
    /// The local address is not one of the adapter's.
    case addressNotAvailable(SocketAddress)
    /// The process may not use the local port.
    case portNotAllowed(SocketAddress)
    /// The way to the address leads through another device or port than the adapter's.
    case otherDevice(SocketAddress, device: String, port: UInt8)
    /// More bytes of private data than the transport carries.
    case privateDataTooLong(asked: Int, limit: Int)
    /// The call does not fit what the connector has done so far.
    case wrongState(call: String, state: ConnectorState)
    /// The queue pair is connected already, has ended, or belongs to another adapter.
    case queuePairNotUsable(number: UInt32)
    /// The device was removed.
    case deviceRemoved
    /// The adapter is closed or closing.
    case adapterClosed
    /// A verb failed: which one, and the `errno` value that it gave.
    case verbFailed(verb: String, errno: Int32)
}
