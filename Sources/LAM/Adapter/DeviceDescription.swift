/// One RDMA device of this machine, as `ibv_devinfo` would show it; a snapshot.
///
/// For looking, and for choosing what to open. An ``Adapter`` is opened by the device's name or one of its addresses.
public struct DeviceDescription: Hashable, Sendable {
    /// The device's name, for example `mlx5_0` or `rxe0`; what ``AdapterSelector/device(_:port:)`` takes.
    public let name: String
    /// The name of its node in `/dev/infiniband`, which the process must be allowed to read and write: `uverbs0`.
    public let nodeName: String
    /// The device's own identifier (node GUID).
    public let guid: UInt64
    /// What the device said when it was opened, or why it could not be opened.
    public let details: Result<Details, AdapterError>

    /// What only an open device tells.
    public struct Details: Hashable, Sendable {
        /// The version of the firmware, as the vendor writes it.
        public let firmwareVersion: String
        /// The vendor's number (OUI); soft devices have 0xFFFFFF.
        public let vendorID: UInt32
        /// The vendor's number for the model.
        public let vendorPartID: UInt32
        /// How much of everything there can be.
        public let limits: Limits
        /// Whether a peer can be given revocable access: windows tied to a queue pair (type 2B).
        public let hasWindows: Bool
        /// The ports, from number 1.
        public let ports: [Port]

        /// Describes an open device.
        package init(
            firmwareVersion: String, vendorID: UInt32, vendorPartID: UInt32, limits: Limits, hasWindows: Bool,
            ports: [Port]
        ) {
            self.firmwareVersion = firmwareVersion
            self.vendorID = vendorID
            self.vendorPartID = vendorPartID
            self.limits = limits
            self.hasWindows = hasWindows
            self.ports = ports
        }
    }

    /// Describes a device.
    package init(name: String, nodeName: String, guid: UInt64, details: Result<Details, AdapterError>) {
        self.name = name
        self.nodeName = nodeName
        self.guid = guid
        self.details = details
    }
}
