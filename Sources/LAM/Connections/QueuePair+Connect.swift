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
            var receiving = QueuePairAttributes.readyToReceive(from: core.adapter.info.peer(at: peer))
            receiving.inboundReads = reads.inboundReadLimit
            receiving.peerRights = .peer(inboundReads: reads.inboundReadLimit)
            try core.queuePair.modify(receiving)
            var sending = QueuePairAttributes.readyToSend(firstPacket: core.packetSequenceNumber)
            sending.acknowledgementTimeout = options.timeout
            sending.retries = options.retryCount
            sending.receiverNotReadyRetries = options.receiverNotReadyRetryCount
            sending.outboundReads = reads.outboundReadLimit
            try core.queuePair.modify(sending)
        } catch {
            throw AdapterError(error)
        }
        core.noteConnected(outboundReads: reads.outboundReadLimit)
    }
}

extension AdapterInfo {
    /// The peer's address as verbs want it, with this side of the path.
    fileprivate func peer(at address: QueuePairAddress) -> QueuePairPeer {
        QueuePairPeer(
            number: address.number, firstPacket: address.packetSequenceNumber,
            identifier: technology == .infiniBand ? nil : address.gid.gid, localIdentifier: address.lid,
            localPort: port, localAddressIndex: gidIndex, pathMTU: PathMTU(bytes: pathMTU))
    }
}

extension PathMTU {
    fileprivate init(bytes: Int) {
        self.init(rawValue: UInt32(max(1, bytes / 128).trailingZeroBitCount))
    }
}
