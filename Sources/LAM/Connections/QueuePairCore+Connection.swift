import Verbs

extension QueuePairCore {
    /// Has `whenEnded` called once when the queue pair ends.
    ///
    /// - Returns: false if it has ended already, or another connection has it.
    func attachConnection(_ whenEnded: @escaping @Sendable () -> Void) -> Bool {
        let isFree = connectionHook.withLock { hook in
            guard hook == nil else { return false }
            hook = whenEnded
            return true
        }
        guard isFree else { return false }
        // Looked at after the hook is in place, and set before it is taken: one of the two sees the other.
        guard hasEnded else { return true }
        detachConnection()
        return false
    }

    /// The connection is no longer interested.
    func detachConnection() {
        connectionHook.withLock { $0 = nil }
    }

    /// Takes the queue pair to the state in which it can send.
    ///
    /// What the connection manager derives is kept, except where it chooses badly: it knows the limits of reads only
    /// later, has a peer wait 655 ms for a missing receive, and takes the patience with a dead peer from the peer.
    func makeReady(
        for identifier: ConnectionIdentifier, _ options: ConnectionOptions, _ reads: ReadLimits
    ) throws(VerbError) {
        var initialized = try identifier.attributes(entering: .initialized)
        initialized.peerRights = .peer(inboundReads: reads.inbound)
        try modify(initialized)
        var readyToReceive = try identifier.attributes(entering: .readyToReceive)
        readyToReceive.inboundReads = reads.inbound
        // 0.64 ms.
        readyToReceive.receiverNotReadyTimer = 12
        try modify(readyToReceive)
        var readyToSend = try identifier.attributes(entering: .readyToSend)
        readyToSend.outboundReads = reads.outbound
        readyToSend.acknowledgementTimeout = options.timeout
        readyToSend.retries = options.retryCount
        readyToSend.receiverNotReadyRetries = options.receiverNotReadyRetryCount
        try modify(readyToSend)
    }
}

extension AccessRights {
    /// What the peer of a queue pair may do where a window or a region lets it. A device that serves no reads has not to
    /// be asked to.
    static func peer(inboundReads: UInt8) -> AccessRights {
        inboundReads == 0 ? [.remoteWrite] : [.remoteRead, .remoteWrite]
    }
}
