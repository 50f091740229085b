import Verbs

extension QueuePair {
    /// What a peer needs to connect to this queue pair by hand.
    public var address: QueuePairAddress {
        QueuePairAddress(
            number: number, packetSequenceNumber: core.packetSequenceNumber, gid: core.adapter.info.address,
            lid: core.adapter.info.lid)
    }

    /// Connects by hand to a peer whose address came by another way.
    ///
    /// Both sides call it; afterwards requests can be posted. There is no disconnect event on such a connection: a peer
    /// that goes away is noticed by the requests that fail.
    /// - Throws: ``AdapterError/verbFailed(verb:errno:)`` if `ibv_modify_qp` refuses the address.
    public func connect(
        to peer: QueuePairAddress, options: ConnectionOptions = ConnectionOptions()
    ) throws(AdapterError) {
        let reads = core.adapter.info.capped(options)
        do {
            try core.queuePair.modifyToReadyToReceive(
                ReadyToReceive(
                    peerNumber: peer.number, peerSequenceNumber: peer.packetSequenceNumber, peerGID: peer.gid.bytes,
                    peerLID: peer.lid, port: core.adapter.info.port, gidIndex: core.adapter.info.gidIndex,
                    mtu: core.adapter.info.pathMTU, inboundReads: reads.inboundReadLimit))
            try core.queuePair.modifyToReadyToSend(
                ReadyToSend(
                    sequenceNumber: core.packetSequenceNumber, timeout: options.timeout,
                    retryCount: options.retryCount, receiverNotReadyRetryCount: options.receiverNotReadyRetryCount,
                    outboundReads: reads.outboundReadLimit))
        } catch {
            throw AdapterError(error)
        }
        core.noteConnected(outboundReads: reads.outboundReadLimit)
    }
}
