internal import CRDMA

/// The RDMA devices of this machine, as they were when the list was made.
@safe
package final class DeviceList: Sendable {
    let verbs: ControlVerbs
    // The list is written once, by its creation; libibverbs only reads it.
    private nonisolated(unsafe) let list: UnsafeMutablePointer<UnsafeMutablePointer<ibv_device>?>
    private let count: Int

    /// Lists the devices (`ibv_get_device_list`).
    ///
    /// - Throws: `ENOSYS` when the kernel has no RDMA support at all; no devices is an empty list.
    package init(verbs: ControlVerbs = .system) throws(VerbError) {
        var list: UnsafeMutablePointer<UnsafeMutablePointer<ibv_device>?>?
        var count: CInt = 0
        try check(.getDeviceList, unsafe verbs.devices.getList(&list, &count))
        guard let list = unsafe list else { throw VerbError(.getDeviceList, ENOSYS) }
        self.verbs = verbs
        unsafe self.list = unsafe list
        self.count = Int(count)
    }

    deinit { unsafe verbs.devices.freeList(list) }

    /// The devices, in the order of libibverbs. Each keeps the list alive.
    package var devices: [Device] {
        // The first `count` entries of the list are devices.
        (0..<count).compactMap { index in
            unsafe list[index].map { raw in unsafe Device(raw, in: self) }
        }
    }
}
