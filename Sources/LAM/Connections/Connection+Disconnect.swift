import Verbs

extension Connection {
    /// How a wait for the peer's confirmation came to its end.
    enum Confirmation {
        case arrived, timedOut
    }

    /// Ends whatever the connection is doing; an established one with the peer's confirmation.
    func disconnect(_ call: PendingCall) {
        switch phase {
        case .connected:
            disconnects.append(call)
            beginDisconnect()
        case .disconnecting:
            disconnects.append(call)
        case .ended:
            endQueuePair()
            if isFinished { call.succeed() } else { disconnects.append(call) }
        case .idle:
            call.succeed()
        default:
            giveUp()
            call.succeed()
        }
    }

    private func beginDisconnect() {
        phase = .disconnecting
        do throws(VerbError) { try identifier?.disconnect() } catch {
            // There is nothing left to disconnect.
            finishDisconnect(.arrived)
        }
    }

    /// The peer has confirmed, or will not any more; either way nothing is posted from here on.
    func finishDisconnect(_ confirmation: Confirmation) {
        let waiting = disconnects
        disconnects = []
        lingerDeadline = nil
        end(.disconnected)
        for call in waiting {
            switch confirmation {
            case .arrived: call.succeed()
            case .timedOut: call.fail(.timedOut(peer, after: call.limit))
            }
        }
    }

    /// Tells how the connection ends, or has ended.
    func watch(_ number: UInt64, _ tell: @escaping @Sendable (ConnectionEnd?) -> Void) {
        if case .ended(let end) = phase, isFinished { return tell(end) }
        watchers[number] = tell
    }

    // MARK: The other ends

    /// The peer has disconnected, or its process is gone.
    func peerDisconnected() {
        // The peer's own disconnect is not over before this answer (T52).
        try? identifier?.disconnect()
        end(.disconnectedByPeer)
    }

    /// A request failed, or the queue pair was closed: nothing can be sent any more, and the peer is to know.
    func queuePairEnded() {
        guard phase == .connected else { return }
        end(.queuePairEnded)
    }

    /// Ends the connection in the stead of a user who has dropped the connector.
    ///
    /// Everything posted is flushed at once; the peer is told, and gets a moment to confirm.
    func abandon() {
        isAbandoned = true
        switch phase {
        case .connected:
            endQueuePair()
            lingerDeadline = .now.advanced(by: Self.lingerTime)
            beginDisconnect()
        case .disconnecting:
            lingerDeadline = .now.advanced(by: Self.lingerTime)
        case .idle:
            table.remove(self)
        case .ended:
            endQueuePair()
            if isFinished { table.remove(self) }
        default:
            giveUp()
        }
    }

    /// How long a peer may take to confirm where nobody waits for it: a lost message is sent again meanwhile.
    private static let lingerTime = Duration.seconds(1)

    /// Ends a handshake. A queue pair that was not touched yet stays as it was.
    private func giveUp() {
        if phase != .accepting { detachQueuePair() }
        end(.notEstablished)
    }
}
