internal import CRDMA

/// The other end of a connection made by hand, and the path to it.
package struct QueuePairPeer: Hashable, Sendable {
    /// The number of the peer's queue pair.
    package var number: UInt32
    /// The sequence number of the peer's first packet, 24 bits.
    package var firstPacket: UInt32
    /// The peer's address; `nil` on InfiniBand within a subnet.
    package var identifier: GlobalIdentifier?
    /// The peer's local identifier; 0 on Ethernet.
    package var localIdentifier: UInt16
    /// The port of this side.
    package var localPort: UInt8
    /// The place of this side's address in the table of that port.
    package var localAddressIndex: UInt8
    /// The largest packet that both sides and the path take.
    package var pathMTU: PathMTU

    /// Describes a peer.
    package init(
        number: UInt32, firstPacket: UInt32, identifier: GlobalIdentifier?,
        localIdentifier: UInt16 = 0, localPort: UInt8 = 1, localAddressIndex: UInt8,
        pathMTU: PathMTU
    ) {
        self.number = number
        self.firstPacket = firstPacket
        self.identifier = identifier
        self.localIdentifier = localIdentifier
        self.localPort = localPort
        self.localAddressIndex = localAddressIndex
        self.pathMTU = pathMTU
    }

    var addressAttributes: ibv_ah_attr {
        var attributes = ibv_ah_attr()
        attributes.dlid = localIdentifier
        attributes.port_num = localPort
        if let identifier {
            attributes.is_global = 1
            attributes.grh.dgid = identifier.raw
            attributes.grh.sgid_index = localAddressIndex
            attributes.grh.hop_limit = 64
        }
        return attributes
    }
}
