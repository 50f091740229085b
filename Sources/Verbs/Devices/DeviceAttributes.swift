internal import CRDMA

/// The limits of a device (`ibv_device_attr`).
package struct DeviceAttributes: Hashable, Sendable {
    /// The version of the firmware, as the vendor writes it.
    package let firmwareVersion: String
    /// The IEEE number of the vendor; soft devices have 0xFFFFFF.
    package let vendorID: UInt32
    /// The vendor's number for the model.
    package let vendorPartID: UInt32
    /// The version of the hardware.
    package let hardwareVersion: UInt32
    /// The longest registration, in bytes.
    package let maxRegionBytes: UInt64
    /// The page sizes that the device can map, as bits of their powers of two.
    package let pageSizes: UInt64
    /// How many queue pairs there can be.
    package let maxQueuePairs: Int
    /// The depth of the deepest send or receive queue.
    package let maxWorkRequests: Int
    /// How many elements a send, write or receive can gather or scatter.
    package let maxElements: Int
    /// How many elements a read can scatter to.
    package let maxReadElements: Int
    /// How many completion queues there can be.
    package let maxCompletionQueues: Int
    /// The depth of the deepest completion queue.
    package let maxCompletions: Int
    /// How many memory regions there can be.
    package let maxRegions: Int
    /// How many memory windows there can be.
    package let maxWindows: Int
    /// How many protection domains there can be.
    package let maxDomains: Int
    /// How many reads of its peer a queue pair can serve at once.
    package let maxInboundReads: Int
    /// How many reads a queue pair can have under way.
    package let maxOutboundReads: Int
    /// How many shared receive queues there can be.
    package let maxSharedQueues: Int
    /// The depth of the deepest shared receive queue.
    package let maxSharedRequests: Int
    /// How many elements a receive of a shared queue can scatter to.
    package let maxSharedElements: Int
    /// How many ports the device has, numbered from 1.
    package let portCount: UInt8
    /// What the device can do.
    package let capabilities: DeviceCapabilities

    init(_ raw: ibv_device_attr) {
        firmwareVersion = String(nullTerminated: raw.fw_ver)
        vendorID = raw.vendor_id
        vendorPartID = raw.vendor_part_id
        hardwareVersion = raw.hw_ver
        maxRegionBytes = raw.max_mr_size
        pageSizes = raw.page_size_cap
        maxQueuePairs = Int(raw.max_qp)
        maxWorkRequests = Int(raw.max_qp_wr)
        maxElements = Int(raw.max_sge)
        maxReadElements = Int(raw.max_sge_rd)
        maxCompletionQueues = Int(raw.max_cq)
        maxCompletions = Int(raw.max_cqe)
        maxRegions = Int(raw.max_mr)
        maxWindows = Int(raw.max_mw)
        maxDomains = Int(raw.max_pd)
        maxInboundReads = Int(raw.max_qp_rd_atom)
        maxOutboundReads = Int(raw.max_qp_init_rd_atom)
        maxSharedQueues = Int(raw.max_srq)
        maxSharedRequests = Int(raw.max_srq_wr)
        maxSharedElements = Int(raw.max_srq_sge)
        portCount = raw.phys_port_cnt
        capabilities = DeviceCapabilities(rawValue: UInt64(raw.device_cap_flags))
    }
}

/// What a device can do (`ibv_device_cap_flags`), as far as this package asks.
package struct DeviceCapabilities: OptionSet, Hashable, Sendable {
    /// The bits of `device_cap_flags`.
    package let rawValue: UInt64

    /// Takes the bits of `device_cap_flags`.
    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Local invalidation and send with invalidation (`IBV_DEVICE_MEM_MGT_EXTENSIONS`).
    package static let memoryManagement = Self(IBV_DEVICE_MEM_MGT_EXTENSIONS)
    /// Windows tied to a protection domain and to the number of a queue pair
    /// (`IBV_DEVICE_MEM_WINDOW_TYPE_2A`).
    package static let windowType2A = Self(IBV_DEVICE_MEM_WINDOW_TYPE_2A)
    /// Windows tied to a protection domain and a queue pair (`IBV_DEVICE_MEM_WINDOW_TYPE_2B`).
    package static let windowType2B = Self(IBV_DEVICE_MEM_WINDOW_TYPE_2B)

    private init(_ flag: ibv_device_cap_flags) {
        self.init(rawValue: UInt64(flag.rawValue))
    }
}
