/// How far a connection has come.
@nonexhaustive
public enum ConnectorState: Hashable, Sendable {
    /// Nothing was asked for yet, or the last attempt failed and another may be made.
    case idle
    /// This side has asked the peer, or is looking for the way to it.
    case connecting
    /// The peer has accepted; ``Connector/completeConnect(onDisconnect:)`` or ``Connector/reject(privateData:)`` is
    /// next.
    case responded
    /// The peer has asked; ``Connector/accept(_:privateData:options:timeLimit:onDisconnect:)`` or
    /// ``Connector/reject(privateData:)`` is next.
    case requested
    /// This side has accepted, and the peer has not completed the connection yet.
    case accepting
    /// Requests flow.
    case connected
    /// This side has disconnected, and the peer has not confirmed it yet.
    case disconnecting
    /// It is over; for another connection create another connector.
    case ended(ConnectionEnd)

    /// The state as the end of a sentence that begins with "the connector".
    var clause: String {
        switch self {
        case .idle: "has not connected"
        case .connecting: "is connecting"
        case .responded: "waits for completeConnect or reject"
        case .requested: "waits for accept or reject"
        case .accepting: "waits for the peer to complete the connection"
        case .connected: "is connected"
        case .disconnecting: "is disconnecting"
        case .ended(let end): "has ended: \(end.clause)"
        }
    }
}

extension ConnectionEnd {
    fileprivate var clause: String {
        switch self {
        case .disconnected: "this side disconnected"
        case .disconnectedByPeer: "the peer disconnected"
        case .queuePairEnded: "a request failed, or the queue pair was closed"
        case .deviceRemoved: "the device was removed"
        case .notEstablished: "the connection was never established"
        }
    }
}
