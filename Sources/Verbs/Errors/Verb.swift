/// A C call of libibverbs or librdmacm (or one of the few system calls beside them) that can fail.
///
/// The raw value is the name of the C function, which is what its manual page is called.
@nonexhaustive
public enum Verb: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    /// Lists the devices.
    case getDeviceList = "ibv_get_device_list"
    /// Opens a device for this process.
    case openDevice = "ibv_open_device"
    /// Closes a device.
    case closeDevice = "ibv_close_device"
    /// Reads the limits of a device.
    case queryDevice = "ibv_query_device"
    /// Reads further limits of a device.
    case queryDeviceExtended = "ibv_query_device_ex"
    /// Reads the state of a port.
    case queryPort = "ibv_query_port"
    /// Reads the addresses of a device's ports.
    case queryAddresses = "ibv_query_gid_table"

    /// Takes an event that the device reports by itself.
    case getDeviceEvent = "ibv_get_async_event"

    /// Creates a protection domain.
    case allocateDomain = "ibv_alloc_pd"
    /// Destroys a protection domain.
    case deallocateDomain = "ibv_dealloc_pd"
    /// Pins memory and maps it for the device.
    case registerRegion = "ibv_reg_mr_iova2"
    /// Unmaps and unpins memory.
    case deregisterRegion = "ibv_dereg_mr"
    /// Creates a memory window.
    case allocateWindow = "ibv_alloc_mw"
    /// Destroys a memory window.
    case deallocateWindow = "ibv_dealloc_mw"

    /// Creates a channel for completion events.
    case createCompletionChannel = "ibv_create_comp_channel"
    /// Destroys a channel for completion events.
    case destroyCompletionChannel = "ibv_destroy_comp_channel"
    /// Takes a completion event from its channel.
    case getCompletionEvent = "ibv_get_cq_event"
    /// Creates a completion queue.
    case createCompletionQueue = "ibv_create_cq"
    /// Changes the depth of a completion queue.
    case resizeCompletionQueue = "ibv_resize_cq"
    /// Has a completion queue raise fewer events.
    case modifyCompletionQueue = "ibv_modify_cq"
    /// Destroys a completion queue.
    case destroyCompletionQueue = "ibv_destroy_cq"
    /// Takes completions from their queue.
    case pollCompletionQueue = "ibv_poll_cq"
    /// Asks for an event on the next completion.
    case armCompletionQueue = "ibv_req_notify_cq"

    /// Creates a shared receive queue.
    case createSharedQueue = "ibv_create_srq"
    /// Changes the depth of a shared receive queue, or when it reports that it runs low.
    case modifySharedQueue = "ibv_modify_srq"
    /// Reads the attributes of a shared receive queue.
    case querySharedQueue = "ibv_query_srq"
    /// Destroys a shared receive queue.
    case destroySharedQueue = "ibv_destroy_srq"

    /// Creates a queue pair.
    case createQueuePair = "ibv_create_qp"
    /// Changes the state of a queue pair.
    case modifyQueuePair = "ibv_modify_qp"
    /// Reads the state of a queue pair.
    case queryQueuePair = "ibv_query_qp"
    /// Destroys a queue pair.
    case destroyQueuePair = "ibv_destroy_qp"
    /// Posts to a send queue.
    case postSend = "ibv_post_send"
    /// Posts to a receive queue.
    case postReceive = "ibv_post_recv"
    /// Posts to a shared receive queue.
    case postSharedReceive = "ibv_post_srq_recv"

    /// Creates a channel for connection events.
    case createEventChannel = "rdma_create_event_channel"
    /// Takes a connection event from its channel.
    case getConnectionEvent = "rdma_get_cm_event"
    /// Gives a connection event back.
    case acknowledgeConnectionEvent = "rdma_ack_cm_event"
    /// Creates a connection identifier.
    case createIdentifier = "rdma_create_id"
    /// Destroys a connection identifier.
    case destroyIdentifier = "rdma_destroy_id"
    /// Sets an option of a connection identifier.
    case setOption = "rdma_set_option"
    /// Binds a connection identifier to a local address.
    case bindAddress = "rdma_bind_addr"
    /// Finds the device that leads to an address.
    case resolveAddress = "rdma_resolve_addr"
    /// Finds the route to a resolved address.
    case resolveRoute = "rdma_resolve_route"
    /// Listens for connection requests.
    case listen = "rdma_listen"
    /// Asks a listener for a connection.
    case connect = "rdma_connect"
    /// Accepts a connection request.
    case accept = "rdma_accept"
    /// Refuses a connection.
    case reject = "rdma_reject"
    /// Completes a connection on the side that asked for it.
    case establish = "rdma_establish"
    /// Ends a connection.
    case disconnect = "rdma_disconnect"
    /// Derives the attributes of a queue pair from a connection.
    case initializeAttributes = "rdma_init_qp_attr"

    /// Sets the mode of a file descriptor.
    case setDescriptorMode = "fcntl"
    /// Opens a pipe.
    case openPipe = "pipe"
    /// Starts a thread.
    case startThread = "pthread_create"
    /// Orders the memory accesses of every thread of the process.
    case membarrier = "membarrier"

    /// The name of the C function.
    public var description: String { rawValue }
}
