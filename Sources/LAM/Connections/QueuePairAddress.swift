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

/// How a connection behaves when the peer is slow or silent.
public struct ConnectionOptions: Hashable, Sendable {
    /// How often a packet is sent again, 0...6. Seven is not offered: on some devices it means for ever, and a request
    /// to a dead peer would then never end.
    public var retryCount: UInt8
    /// The time before a packet is sent again, as an exponent: 4.096 µs · 2^timeout. 14 is 67 ms, so that with 6 retries
    /// a dead peer is noticed after about half a second.
    public var timeout: UInt8
    /// How often a send is tried again while the peer has no receive posted, 0...7; seven is for ever.
    public var receiverNotReadyRetryCount: UInt8
    /// How many reads of the peer this side answers at a time; 0 allows none.
    public var inboundReadLimit: UInt8
    /// How many reads this side has under way at a time; 0 allows none.
    public var outboundReadLimit: UInt8

    /// Creates options; the defaults notice a dead peer in half a second and wait for a slow one for ever.
    public init(
        retryCount: UInt8 = 6, timeout: UInt8 = 14, receiverNotReadyRetryCount: UInt8 = 7,
        inboundReadLimit: UInt8 = 16, outboundReadLimit: UInt8 = 16
    ) {
        self.retryCount = min(retryCount, 6)
        self.timeout = timeout
        self.receiverNotReadyRetryCount = receiverNotReadyRetryCount
        self.inboundReadLimit = inboundReadLimit
        self.outboundReadLimit = outboundReadLimit
    }
}
