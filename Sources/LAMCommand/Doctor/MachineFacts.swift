package import LAM

/// What `lam doctor` knows about the machine before it judges.
package struct MachineFacts: Sendable {
    /// The devices, or why they cannot be listed.
    package var devices: Result<[DeviceDescription], AdapterError>
    /// The nodes of the devices in `/dev/infiniband`, in the order of the devices.
    package var deviceNodes: [DeviceNode]
    /// The node of the connection manager.
    package var connectionManagerNode: DeviceNode
    /// What came of opening the connection manager; nil if no adapter could be opened to try it.
    package var connectionTrial: Trial?
    /// What came of building and releasing a mapping of one page; nil if there is no device to try it on.
    package var mappingTrial: Trial?
    /// What may be pinned.
    package var pinning: Pinning
    /// The pool of huge pages; nil if the kernel does not say.
    package var hugePages: HostLimits.HugePages?
    /// The environment variables that make rdma-core change the memory flags of what is registered.
    package var forkVariables: [String]

    /// A device file, and what the process may do with it.
    package struct DeviceNode: Hashable, Sendable {
        /// The path, for example `/dev/infiniband/uverbs0`.
        package var path: String
        /// Whether there is such a file.
        package var exists: Bool
        /// Whether the process may read and write it.
        package var isUsable: Bool

        package init(path: String, exists: Bool, isUsable: Bool) {
            self.path = path
            self.exists = exists
            self.isUsable = isUsable
        }
    }

    /// How something that was tried went.
    package enum Trial: Hashable, Sendable {
        /// It worked; on which device and at which address.
        case worked(String)
        /// It did not, and this is what the library said.
        case failed(String)
    }

    /// What limits pinned memory.
    package struct Pinning: Hashable, Sendable {
        /// RLIMIT_MEMLOCK now.
        package var softLimit: HostLimits.Limit
        /// Up to where the process may raise it.
        package var hardLimit: HostLimits.Limit
        /// Whether CAP_IPC_LOCK is in effect; nil if unknown.
        package var hasLockCapability: Bool?
        /// Whether CAP_IPC_LOCK counts here; nil if unknown.
        package var isInInitialUserNamespace: Bool?
        /// What is pinned now; nil if unknown.
        package var pinnedBytes: Int?
        /// The control group's memory limit.
        package var controlGroupLimit: HostLimits.Limit

        package init(
            softLimit: HostLimits.Limit, hardLimit: HostLimits.Limit, hasLockCapability: Bool?,
            isInInitialUserNamespace: Bool?, pinnedBytes: Int?, controlGroupLimit: HostLimits.Limit
        ) {
            self.softLimit = softLimit
            self.hardLimit = hardLimit
            self.hasLockCapability = hasLockCapability
            self.isInInitialUserNamespace = isInInitialUserNamespace
            self.pinnedBytes = pinnedBytes
            self.controlGroupLimit = controlGroupLimit
        }

        /// Whether RLIMIT_MEMLOCK does not matter to the process.
        var isExempt: Bool { hasLockCapability == true && isInInitialUserNamespace == true }
    }

    package init(
        devices: Result<[DeviceDescription], AdapterError>, deviceNodes: [DeviceNode],
        connectionManagerNode: DeviceNode, connectionTrial: Trial?, mappingTrial: Trial?, pinning: Pinning,
        hugePages: HostLimits.HugePages?, forkVariables: [String]
    ) {
        self.devices = devices
        self.deviceNodes = deviceNodes
        self.connectionManagerNode = connectionManagerNode
        self.connectionTrial = connectionTrial
        self.mappingTrial = mappingTrial
        self.pinning = pinning
        self.hugePages = hugePages
        self.forkVariables = forkVariables
    }
}
