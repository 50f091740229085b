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
