/// What a peer must know to connect to a queue pair by hand, without rdma_cm: what `ibv_rc_pingpong` exchanges.
public struct QueuePairAddress: Hashable, Sendable {
    /// The queue pair's number.
    public var number: UInt32
    /// The sequence number of the first packet that it sends, 24 bits.
    public var packetSequenceNumber: UInt32
    /// The port's GID, which on RoCE contains its IP address.
    public var gid: IPAddress
    /// The port's local identifier; 0 on RoCE.
    public var lid: UInt16

    /// Creates an address from what a peer sent.
    public init(number: UInt32, packetSequenceNumber: UInt32, gid: IPAddress, lid: UInt16) {
        self.number = number
        self.packetSequenceNumber = packetSequenceNumber
        self.gid = gid
        self.lid = lid
    }
}
