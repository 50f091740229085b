internal import CRDMA

/// The state and the limits of a port (`ibv_port_attr`).
package struct PortAttributes: Hashable, Sendable {
    /// The logical state of a port (`ibv_port_state`).
    package enum State: Hashable, Sendable {
        /// No link.
        case down
        /// Link, but no address yet.
        case initializing
        /// Configured, not yet carrying traffic.
        case armed
        /// Ready for traffic.
        case active
        /// Anything else, by its number in `ibv_port_state`.
        case other(UInt32)
    }

    /// What the port is connected to.
    package enum LinkLayer: Hashable, Sendable {
        /// InfiniBand.
        case infiniBand
        /// Ethernet: RoCE or iWARP.
        case ethernet
        /// The driver does not say; InfiniBand by convention.
        case unspecified
    }

    /// The logical state.
    package let state: State
    /// What the port is connected to.
    package let linkLayer: LinkLayer
    /// The largest packet that the port can send.
    package let maxPathMTU: PathMTU
    /// The largest packet that the port sends now.
    package let activePathMTU: PathMTU
    /// The longest message, in bytes.
    package let maxMessageBytes: UInt32
    /// The local identifier; 0 on Ethernet.
    package let localIdentifier: UInt16
    /// How many entries the address table has, used or not.
    package let addressTableLength: Int
    /// The link width, as a bit of the InfiniBand encoding: 1 is 1x, 2 is 4x, 4 is 8x, 8 is 12x, 16
    /// is 2x.
    package let activeWidth: UInt8
    /// The speed of a lane, as a bit of the InfiniBand encoding: 1 is 2.5, 2 is 5, 4 and 8 are 10,
    /// 16 is 14, 32 is 25, 64 is 50 and 128 is 100 Gbit/s.
    package let activeSpeed: UInt8

    init(_ raw: ibv_port_attr) {
        state = State(raw.state)
        linkLayer = LinkLayer(raw.link_layer)
        maxPathMTU = PathMTU(raw.max_mtu)
        activePathMTU = PathMTU(raw.active_mtu)
        maxMessageBytes = raw.max_msg_sz
        localIdentifier = raw.lid
        addressTableLength = Int(raw.gid_tbl_len)
        activeWidth = raw.active_width
        activeSpeed = raw.active_speed
    }
}

extension PortAttributes.State {
    fileprivate init(_ raw: ibv_port_state) {
        switch raw {
        case IBV_PORT_DOWN: self = .down
        case IBV_PORT_INIT: self = .initializing
        case IBV_PORT_ARMED: self = .armed
        case IBV_PORT_ACTIVE: self = .active
        default: self = .other(raw.rawValue)
        }
    }
}

extension PortAttributes.LinkLayer {
    fileprivate init(_ raw: UInt8) {
        switch Int(raw) {
        case IBV_LINK_LAYER_INFINIBAND: self = .infiniBand
        case IBV_LINK_LAYER_ETHERNET: self = .ethernet
        default: self = .unspecified
        }
    }
}
