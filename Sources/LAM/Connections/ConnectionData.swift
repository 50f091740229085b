/// What the two ends told each other: the answer of `NdkGetConnectionData`.
public struct ConnectionData: Hashable, Sendable {
    /// What the peer sent along, and zeros after it.
    ///
    /// Its length is that of the transport's buffer, not of what the peer sent (on RoCE and InfiniBand 56 bytes in a
    /// request, 196 in an acceptance, 148 in a refusal), so a message needs its own length inside.
    public let privateData: [UInt8]
    /// How many reads of the peer this side answers at a time: the smaller of both sides' wishes.
    public let inboundReadLimit: UInt8
    /// How many reads this side has under way at a time: the smaller of both sides' wishes.
    public let outboundReadLimit: UInt8
}

/// How a connection came to its end, as seen from this side.
@nonexhaustive
public enum ConnectionEnd: Hashable, Sendable {
    /// This side disconnected, or gave the connector up.
    case disconnected
    /// The peer disconnected, or its process ended.
    case disconnectedByPeer
    /// A request failed, or the queue pair was closed. The peer was told so, if it still listens.
    case queuePairEnded
    /// The device was removed.
    case deviceRemoved
    /// The connection was never established.
    case notEstablished
}

/// Why a connection was refused.
@nonexhaustive
public enum RefusalReason: Hashable, Sendable {
    /// Nobody listens on the port.
    case noListener
    /// The program at the other end said no.
    case peer
    /// The other end still remembers an earlier connection of this queue pair's number; a moment later, or with another
    /// queue pair, it works.
    case staleConnection
    /// The transport's own reason, by its number.
    case transport(Int32)

    /// Translates the status of a REJECTED event.
    init(status: Int32) {
        self =
            switch status {
            case 8, -111: .noListener
            case 28, -104: .peer
            case 10: .staleConnection
            default: .transport(status)
            }
    }
}
