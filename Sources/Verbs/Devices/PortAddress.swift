internal import CRDMA

/// A global identifier: the 16 bytes by which a port is addressed (`ibv_gid`).
package struct GlobalIdentifier: Hashable, Sendable {
    /// The first eight bytes, in host byte order.
    package let prefix: UInt64
    /// The last eight bytes, in host byte order.
    package let interface: UInt64

    /// Composes an identifier.
    package init(prefix: UInt64, interface: UInt64) {
        self.prefix = prefix
        self.interface = interface
    }

    init(_ raw: ibv_gid) {
        // Either member of the union is the whole of it.
        prefix = unsafe UInt64(bigEndian: raw.global.subnet_prefix)
        interface = unsafe UInt64(bigEndian: raw.global.interface_id)
    }

    /// The identifier as the C library takes it.
    var raw: ibv_gid {
        var raw = ibv_gid()
        // Either member of the union is the whole of it.
        unsafe raw.global.subnet_prefix = prefix.bigEndian
        unsafe raw.global.interface_id = interface.bigEndian
        return raw
    }
}

/// An entry of the address tables of a device (`ibv_gid_entry`).
package struct PortAddress: Hashable, Sendable {
    /// Which protocol an address belongs to (`ibv_gid_type`).
    package enum Kind: Hashable, Sendable {
        /// InfiniBand; also what iWARP devices report.
        case infiniBand
        /// RoCE version 1: directly on Ethernet.
        case roceV1
        /// RoCE version 2: in UDP; an IPv4 address is mapped into the identifier.
        case roceV2
        /// Anything else, by its number in `ibv_gid_type`.
        case other(UInt32)
    }

    /// The address.
    package let identifier: GlobalIdentifier
    /// The port that has it.
    package let port: UInt8
    /// Its place in the table of that port. A queue pair names its source by it, up to 255.
    package let index: UInt32
    /// The protocol.
    package let kind: Kind
    /// The index of the network interface behind it; 0 when there is none.
    package let networkInterface: UInt32

    init(_ raw: ibv_gid_entry) {
        identifier = GlobalIdentifier(raw.gid)
        port = UInt8(clamping: raw.port_num)
        index = raw.gid_index
        networkInterface = raw.ndev_ifindex
        switch raw.gid_type {
        case IBV_GID_TYPE_IB.rawValue: kind = .infiniBand
        case IBV_GID_TYPE_ROCE_V1.rawValue: kind = .roceV1
        case IBV_GID_TYPE_ROCE_V2.rawValue: kind = .roceV2
        default: kind = .other(raw.gid_type)
        }
    }
}
