import Verbs

/// What a passive side answers with.
struct AcceptRequest: Sendable {
    let queuePair: QueuePairCore
    let privateData: [UInt8]
    let options: ConnectionOptions
    let onDisconnect: (@Sendable (ConnectionEnd) -> Void)?
}

extension Connection {
    /// Takes over a request that a listener got.
    func requested(_ identifier: ConnectionIdentifier, _ event: ConnectionEvent, onLink scopeID: UInt32) {
        self.identifier = identifier
        noteAddresses(of: identifier, onLink: scopeID)
        peer = facts.snapshot.peerAddress ?? peer
        note(event)
    }

    /// Accepts the peer's request; ends when the peer has completed the connection.
    func accept(_ request: AcceptRequest, _ call: PendingCall) {
        guard phase == .requested else { return call.fail(.wrongState(call: "accept", state: phase.state)) }
        do throws(ConnectionError) {
            try checkPrivateData(request.privateData, limit: PrivateDataLimit.answer)
            try attach(request.queuePair)
        } catch {
            // Nothing has happened yet: the request may still be accepted or rejected.
            return call.fail(error)
        }
        self.call = call
        options = request.options
        onDisconnect = request.onDisconnect
        phase = .accepting
        step { () throws(ConnectionError) in
            try makeReady()
            noteReads()
            guard let identifier, let queuePair else { return }
            do throws(VerbError) {
                try identifier.accept(parameters(queuePair, privateData: request.privateData))
            } catch {
                throw gaveUp(error)
            }
        }
    }

    /// Refuses the peer's request, or its acceptance.
    func reject(_ privateData: [UInt8]) throws(ConnectionError) {
        guard phase == .requested || phase == .responded else {
            throw abortion ?? .wrongState(call: "reject", state: phase.state)
        }
        try checkPrivateData(privateData, limit: PrivateDataLimit.answer)
        defer { refuse() }
        do throws(VerbError) { try identifier?.reject(privateData: privateData) } catch { throw gaveUp(error) }
    }

    private func refuse() {
        detachQueuePair()
        end(.notEstablished)
    }
}
