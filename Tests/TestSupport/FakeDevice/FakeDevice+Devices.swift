import CRDMA
import Verbs

extension FakeDevice {
    /// The entries for devices: one device, with the limits of rxe.
    var deviceVerbs: DeviceVerbs {
        var verbs = DeviceVerbs.system
        unsafe verbs.getList = { [self] list, count in
            call(.getDeviceList) { state in
                unsafe count.pointee = 1
                unsafe list.pointee = Self.makeList(name: state.name)
                return 0
            }
        }
        unsafe verbs.freeList = { list in
            unsafe list[0]?.deallocate()
            unsafe list.deallocate()
        }
        unsafe verbs.guid = { _ in UInt64(0x0250_56ff_fe00_0001).bigEndian }
        unsafe verbs.open = { [self] device, context in
            call(.openDevice) { state in
                unsafe context.pointee = makeContext(&state)
                return 0
            }
        }
        unsafe verbs.close = { [self] context in
            call(.closeDevice) { state in
                let handle = unsafe UInt32(context.pointee.cmd_fd)
                guard let found = state.contexts.removeValue(forKey: handle) else {
                    return state.refuseUse(.closeDevice)
                }
                found.pipe.close()
                if state.contexts.isEmpty, state.deviceObjectCount > 0 {
                    state.violations.append(.closedWithObjects(count: state.deviceObjectCount))
                }
                return 0
            }
        }
        unsafe verbs.query = { [self] _, attributes in
            call(.queryDevice) { state in
                unsafe attributes.pointee = Self.attributes
                unsafe attributes.pointee.max_mr = state.regionLimit
                unsafe attributes.pointee.vendor_id = state.vendorID
                if !state.hasWindows {
                    unsafe attributes.pointee.device_cap_flags &= ~IBV_DEVICE_MEM_WINDOW_TYPE_2B.rawValue
                }
                return 0
            }
        }
        unsafe verbs.queryModeration = { [self] _, count, microseconds in
            call(.queryDeviceExtended) { state in
                unsafe count.pointee = state.moderationLimits.count
                unsafe microseconds.pointee = state.moderationLimits.microseconds
                return 0
            }
        }
        unsafe verbs.queryPort = { [self] _, port, attributes in
            call(.queryPort) { _ in
                guard port == 1 else { return EINVAL }
                unsafe attributes.pointee = Self.portAttributes
                return 0
            }
        }
        unsafe verbs.queryAddresses = { [self] _, entries, capacity, count in
            call(.queryAddresses) { _ in
                guard capacity >= 2 else { return EINVAL }
                unsafe entries[0] = Self.address(
                    0, prefix: 0xfe80 << 48, interface: 0x5056_ff_fe00_0001)
                unsafe entries[1] = Self.address(1, prefix: 0, interface: 0xffff_0a00_0001)
                unsafe count.pointee = 2
                return 0
            }
        }
        setEventVerbs(&verbs)
        return verbs
    }
}

extension FakeDevice.State {
    /// What has to be gone before the device is closed.
    fileprivate var deviceObjectCount: Int {
        domains.count + channels.count + completionQueues.count + sharedQueues.count + queuePairs.count
    }
}

extension FakeDevice {
    private static func makeList(name: String)
        -> UnsafeMutablePointer<UnsafeMutablePointer<ibv_device>?>
    {
        let device = UnsafeMutablePointer<ibv_device>.allocate(capacity: 1)
        unsafe device.initialize(to: ibv_device())
        unsafe device.pointee.node_type = IBV_NODE_CA
        unsafe device.pointee.transport_type = IBV_TRANSPORT_IB
        unsafe write(name, to: &device.pointee.name)
        unsafe write("uverbs0", to: &device.pointee.dev_name)
        unsafe write("/sys/class/infiniband/\(name)", to: &device.pointee.ibdev_path)
        let list = UnsafeMutablePointer<UnsafeMutablePointer<ibv_device>?>.allocate(capacity: 2)
        unsafe list.initialize(to: device)
        unsafe (list + 1).initialize(to: nil)
        return unsafe list
    }

    private static func write<Characters>(_ text: String, to characters: inout Characters) {
        unsafe withUnsafeMutableBytes(of: &characters) { bytes in
            // All but the last byte, which stays the end of the string.
            unsafe bytes.dropLast().copyBytes(from: Array(text.utf8))
        }
    }

    /// A context whose functions for posting and polling lead back here.
    private func makeContext(_ state: inout State) -> UnsafeMutablePointer<ibv_context> {
        let handle = state.nextHandle()
        let context = unsafe state.allocate(ibv_context())
        unsafe context.pointee.cmd_fd = CInt(handle)
        let events = FakePipe()
        unsafe context.pointee.async_fd = events.readEnd
        unsafe context.pointee.num_comp_vectors = 4
        // Any value but the one that marks extended contexts makes libibverbs use only what is set
        // here.
        unsafe context.pointee.abi_compat = Unmanaged.passUnretained(self).toOpaque()
        unsafe context.pointee.ops.post_send = { queuePair, requests, refused in
            unsafe FakeDevice.of(queuePair!.pointee.context)
                .postSend(queuePair!, requests!, refused!)
        }
        unsafe context.pointee.ops.post_recv = { queuePair, requests, refused in
            unsafe FakeDevice.of(queuePair!.pointee.context)
                .postReceive(queuePair!, requests!, refused!)
        }
        unsafe context.pointee.ops.post_srq_recv = { queue, requests, refused in
            unsafe FakeDevice.of(queue!.pointee.context)
                .postSharedReceive(queue!, requests!, refused!)
        }
        unsafe context.pointee.ops.poll_cq = { queue, capacity, completions in
            unsafe FakeDevice.of(queue!.pointee.context).poll(queue!, capacity, completions!)
        }
        unsafe context.pointee.ops.req_notify_cq = { queue, solicitedOnly in
            unsafe FakeDevice.of(queue!.pointee.context).arm(queue!, solicitedOnly != 0)
        }
        var device = ibv_device()
        Self.write(state.name, to: &device.name)
        unsafe context.pointee.device = unsafe state.allocate(device)
        state.contexts[handle] = FakeContext(pipe: events)
        unsafe state.context = unsafe context
        return unsafe context
    }

    static let attributes: ibv_device_attr = {
        var attributes = ibv_device_attr()
        attributes.max_mr_size = .max
        attributes.page_size_cap = 0xffff_f000
        attributes.max_qp = 1_048_560
        attributes.max_qp_wr = 1_048_576
        attributes.device_cap_flags = 0x122_3c76
        attributes.max_sge = 32
        attributes.max_sge_rd = 32
        attributes.max_cq = 1_048_576
        attributes.max_cqe = 32767
        attributes.max_mw = 524_287
        attributes.max_pd = 1_048_576
        attributes.max_qp_rd_atom = 128
        attributes.max_qp_init_rd_atom = 128
        attributes.max_srq = 917_503
        attributes.max_srq_wr = 1_048_576
        attributes.max_srq_sge = 27
        attributes.phys_port_cnt = 1
        return attributes
    }()

    private static let portAttributes: ibv_port_attr = {
        var attributes = ibv_port_attr()
        attributes.state = IBV_PORT_ACTIVE
        attributes.max_mtu = IBV_MTU_4096
        attributes.active_mtu = IBV_MTU_1024
        attributes.gid_tbl_len = 1024
        attributes.max_msg_sz = 8_388_608
        attributes.active_width = 1
        attributes.active_speed = 1
        attributes.link_layer = UInt8(IBV_LINK_LAYER_ETHERNET)
        return attributes
    }()

    private static func address(_ index: UInt32, prefix: UInt64, interface: UInt64)
        -> ibv_gid_entry
    {
        var entry = ibv_gid_entry()
        unsafe entry.gid.global.subnet_prefix = prefix.bigEndian
        unsafe entry.gid.global.interface_id = interface.bigEndian
        entry.gid_index = index
        entry.port_num = 1
        entry.gid_type = IBV_GID_TYPE_ROCE_V2.rawValue
        entry.ndev_ifindex = 2
        return entry
    }
}
