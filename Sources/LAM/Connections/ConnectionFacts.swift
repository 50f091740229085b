/// What the connection's thread lets others know about a connection.
final class ConnectionFacts: Sendable {
    struct Values: Sendable {
        var state = ConnectorState.idle
        var data: ConnectionData?
        var localAddress: SocketAddress?
        var peerAddress: SocketAddress?
    }

    private let values: Monitor<Values>

    init(_ values: Values = Values()) {
        self.values = Monitor(values)
    }

    var snapshot: Values { values.withLock { $0 } }

    func update(_ change: (inout Values) -> Void) {
        values.withLock(change)
    }
}
