extension DeviceDescription {
    /// One port of a device.
    public struct Port: Hashable, Sendable {
        /// Its number, from 1.
        public let number: UInt8
        /// Whether it can carry anything.
        public let state: PortState
        /// What it is connected to.
        public let linkLayer: LinkLayer
        /// The rate of the link in Gbit/s; nil where the device's code for it is unknown. Soft devices make it up.
        public let gigabitsPerSecond: Double?
        /// Bytes of payload in one packet now.
        public let pathMTU: Int
        /// Bytes of the longest message.
        public let messageBytes: UInt32
        /// The local identifier; 0 on Ethernet.
        public let lid: UInt16
        /// The addresses that are in use.
        public let addresses: [Address]

        /// Describes a port.
        package init(
            number: UInt8, state: PortState, linkLayer: LinkLayer, gigabitsPerSecond: Double?, pathMTU: Int,
            messageBytes: UInt32, lid: UInt16, addresses: [Address]
        ) {
            self.number = number
            self.state = state
            self.linkLayer = linkLayer
            self.gigabitsPerSecond = gigabitsPerSecond
            self.pathMTU = pathMTU
            self.messageBytes = messageBytes
            self.lid = lid
            self.addresses = addresses
        }
    }

    /// An entry of a port's address table (GID).
    public struct Address: Hashable, Sendable {
        /// Its place in the table. It moves when addresses come and go.
        public let index: UInt32
        /// The address; on RoCE and iWARP that of the network interface.
        public let address: IPAddress
        /// How packets from this address travel.
        public let technology: RDMATechnology
        /// The network interface behind it, for example `eth0`; nil where there is none.
        public let networkInterface: String?

        /// Describes an address.
        package init(index: UInt32, address: IPAddress, technology: RDMATechnology, networkInterface: String?) {
            self.index = index
            self.address = address
            self.technology = technology
            self.networkInterface = networkInterface
        }
    }

    /// Whether a port can carry anything: `ibv_port_state`.
    public enum PortState: Hashable, Sendable, CustomStringConvertible {
        /// No link, or the network interface is down.
        case down
        /// A link, but no address yet; InfiniBand waits for its subnet manager.
        case initializing
        /// Configured, and not yet carrying traffic.
        case armed
        /// Ready.
        case active
        /// Another state, by its number.
        case other(UInt32)

        /// The name in lower case, or the number.
        public var description: String {
            switch self {
            case .down: "down"
            case .initializing: "initializing"
            case .armed: "armed"
            case .active: "active"
            case .other(let number): "state \(number)"
            }
        }
    }

    /// What a port is connected to.
    public enum LinkLayer: String, Hashable, Sendable, CustomStringConvertible {
        /// An InfiniBand fabric.
        case infiniBand = "InfiniBand"
        /// An Ethernet.
        case ethernet = "Ethernet"
        /// The driver does not say.
        case unspecified = "unspecified"

        /// The usual name.
        public var description: String { rawValue }
    }
}
