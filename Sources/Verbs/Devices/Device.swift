internal import CRDMA

/// One device of a list, not opened.
@safe
package struct Device: Sendable {
    /// What kind of adapter it is.
    package enum NodeType: Hashable, Sendable {
        /// InfiniBand or RoCE (`IBV_NODE_CA`).
        case channelAdapter
        /// iWARP (`IBV_NODE_RNIC`).
        case rnic
        /// Anything else, by its number in `ibv_node_type`.
        case other(Int32)
    }

    /// The protocol family that the device speaks.
    package enum Transport: Hashable, Sendable {
        /// InfiniBand and both forms of RoCE (`IBV_TRANSPORT_IB`).
        case infiniBand
        /// iWARP (`IBV_TRANSPORT_IWARP`).
        case iWARP
        /// Anything else, by its number in `ibv_transport_type`.
        case other(Int32)
    }

    /// The name: `rxe0`, `mlx5_0`.
    package let name: String
    /// The device's directory in sysfs: `/sys/class/infiniband/rxe0`.
    package let sysfsPath: String
    /// The name of the device's node in `/dev/infiniband`: `uverbs0`.
    package let nodeName: String
    /// The node GUID, in host byte order.
    package let guid: UInt64
    /// The kind of adapter.
    package let nodeType: NodeType
    /// The protocol family.
    package let transport: Transport

    private let list: DeviceList
    // Valid as long as the list, which this value keeps; libibverbs only reads it.
    private nonisolated(unsafe) let raw: UnsafeMutablePointer<ibv_device>

    init(_ raw: UnsafeMutablePointer<ibv_device>, in list: DeviceList) {
        unsafe self.raw = unsafe raw
        self.list = list
        let device = unsafe raw.pointee
        name = String(nullTerminated: device.name)
        sysfsPath = String(nullTerminated: device.ibdev_path)
        nodeName = String(nullTerminated: device.dev_name)
        guid = unsafe UInt64(bigEndian: list.verbs.devices.guid(raw))
        nodeType = NodeType(device.node_type)
        transport = Transport(device.transport_type)
    }

    /// Opens the device (`ibv_open_device`).
    ///
    /// - Parameter abandoned: Hears, besides the table's own `abandoned`, what of the context and its
    ///   children is abandoned.
    /// - Returns: The open device.
    /// - Throws: `EACCES` when the device node may not be opened, `ENODEV` when the device is gone.
    package func open(
        abandoned: @escaping @Sendable (VerbError) -> Void = { _ in }
    ) throws(VerbError) -> DeviceContext {
        var verbs = list.verbs
        verbs.abandoned = { [told = verbs.abandoned] error in
            told(error)
            abandoned(error)
        }
        return try unsafe DeviceContext(opening: raw, name: name, verbs: verbs)
    }
}

extension Device.NodeType {
    fileprivate init(_ raw: ibv_node_type) {
        switch raw {
        case IBV_NODE_CA: self = .channelAdapter
        case IBV_NODE_RNIC: self = .rnic
        default: self = .other(raw.rawValue)
        }
    }
}

extension Device.Transport {
    fileprivate init(_ raw: ibv_transport_type) {
        switch raw {
        case IBV_TRANSPORT_IB: self = .infiniBand
        case IBV_TRANSPORT_IWARP: self = .iWARP
        default: self = .other(raw.rawValue)
        }
    }
}

extension String {
    /// Reads a C array of characters, which Swift imports as a tuple, up to its first zero or its
    /// end.
    init<Characters>(nullTerminated characters: Characters) {
        self = unsafe withUnsafeBytes(of: characters) { bytes in
            unsafe String(decoding: bytes.prefix { byte in byte != 0 }, as: UTF8.self)
        }
    }
}
