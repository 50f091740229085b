/// How a connection behaves when the peer is slow, silent or gone.
public struct ConnectionOptions: Hashable, Sendable {
    /// How often a packet is sent again, 0...6.
    ///
    /// Seven is not offered: on some devices it means for ever, and a request to a dead peer would then never end.
    public var retryCount: UInt8 { didSet { retryCount = min(retryCount, 6) } }
    /// The time before a packet is sent again, as an exponent: 4.096 µs · 2^timeout, 1...31.
    ///
    /// 14 is 67 ms, so that with 6 retries a dead peer is noticed after about half a second. Zero is not offered: it
    /// means for ever.
    public var timeout: UInt8 { didSet { timeout = min(max(timeout, 1), 31) } }
    /// How often a send is tried again while the peer has no receive posted, 0...7; seven is for ever.
    ///
    /// This side asks a peer to wait 0.64 ms before each try.
    public var receiverNotReadyRetryCount: UInt8 {
        didSet { receiverNotReadyRetryCount = min(receiverNotReadyRetryCount, 7) }
    }
    /// How many reads of the peer this side answers at a time; 0 allows none.
    ///
    /// More than the adapter or the peer's outbound limit allows is silently less: see ``Connector/connectionData``.
    public var inboundReadLimit: UInt8
    /// How many reads this side has under way at a time; 0 allows none.
    ///
    /// More than the adapter or the peer's inbound limit allows is silently less: see ``Connector/connectionData``.
    public var outboundReadLimit: UInt8
    /// Whether the queue pair ends, and everything posted is flushed, as soon as the peer has disconnected or died.
    ///
    /// Without it the receives stay posted, as NDK has it, until this side disconnects too. They keep their mappings
    /// pinned so long.
    public var flushesWhenPeerDisconnects = true

    /// Creates options; the defaults notice a dead peer in half a second and wait for a slow one for ever.
    ///
    /// Values beyond the ranges above are brought into them.
    public init(
        retryCount: UInt8 = 6, timeout: UInt8 = 14, receiverNotReadyRetryCount: UInt8 = 7,
        inboundReadLimit: UInt8 = 16, outboundReadLimit: UInt8 = 16
    ) {
        self.retryCount = min(retryCount, 6)
        self.timeout = min(max(timeout, 1), 31)
        self.receiverNotReadyRetryCount = min(receiverNotReadyRetryCount, 7)
        self.inboundReadLimit = inboundReadLimit
        self.outboundReadLimit = outboundReadLimit
    }
}
