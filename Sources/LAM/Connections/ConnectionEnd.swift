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
