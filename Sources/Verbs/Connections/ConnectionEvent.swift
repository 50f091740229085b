internal import CRDMA

/// Something that happened to a connection: a copy of an `rdma_cm_event`, which is acknowledged
/// already.
package struct ConnectionEvent: Sendable {
    /// What happened (`rdma_cm_event_type`).
    package enum Kind: Hashable, Sendable {
        /// `resolveAddress` succeeded.
        case addressResolved
        /// `resolveAddress` failed.
        case addressError
        /// `resolveRoute` succeeded.
        case routeResolved
        /// `resolveRoute` failed.
        case routeError
        /// A peer asks a listener for a connection: `incoming` is its identifier.
        case connectRequest
        /// The peer accepted; `establish` completes the connection.
        case connectResponse
        /// The connection could not be made.
        case connectError
        /// The peer does not answer.
        case unreachable
        /// The peer refused. A status of 8 is no listener, 28 its program.
        case rejected
        /// The connection is complete; only the accepting side hears of it.
        case established
        /// The connection has ended, by either side. Answer with `disconnect` at once.
        case disconnected
        /// The device is going away; destroy the identifier.
        case deviceRemoval
        /// The address has moved to another port.
        case addressChange
        /// The peer can reuse the queue pair's number from now on.
        case timewaitExit
        /// Anything else, by its number in `rdma_cm_event_type`.
        case other(UInt32)
    }

    /// What happened.
    package let kind: Kind
    /// To which identifier. For a request, the listener.
    package let identity: ConnectionIdentity
    /// For a request, the identifier of the new connection; dropping it refuses the request.
    package let incoming: ConnectionIdentifier?
    /// 0, a negated `errno` value, or for a refusal the reason that the peer's side gave.
    package let status: CInt
    /// The number of the peer's queue pair, in a request and a response.
    package let peerQueuePairNumber: UInt32
    /// How many reads the peer wants to have under way, in a request and a response.
    package let peerOutboundReads: UInt8
    /// How many reads the peer serves at once, in a request and a response.
    package let peerInboundReads: UInt8
    /// What the peer's program sent, filled up with zeros to the length that its transport carries.
    package let privateData: [UInt8]

    init(
        _ raw: rdma_cm_event, identity: ConnectionIdentity, incoming: ConnectionIdentifier?
    ) {
        kind = unsafe Kind(raw.event)
        self.identity = identity
        self.incoming = incoming
        status = unsafe raw.status
        // Identifiers of this module are of the connected kind, so this member of the union is
        // meant.
        let parameters = unsafe raw.param.conn
        peerQueuePairNumber = unsafe parameters.qp_num
        peerOutboundReads = unsafe parameters.responder_resources
        peerInboundReads = unsafe parameters.initiator_depth
        let data = unsafe UnsafeRawBufferPointer(
            start: parameters.private_data,
            count: parameters.private_data == nil ? 0 : Int(parameters.private_data_len))
        privateData = unsafe [UInt8](data)
    }
}

extension ConnectionEvent.Kind {
    fileprivate init(_ raw: rdma_cm_event_type) {
        switch raw {
        case RDMA_CM_EVENT_ADDR_RESOLVED: self = .addressResolved
        case RDMA_CM_EVENT_ADDR_ERROR: self = .addressError
        case RDMA_CM_EVENT_ROUTE_RESOLVED: self = .routeResolved
        case RDMA_CM_EVENT_ROUTE_ERROR: self = .routeError
        case RDMA_CM_EVENT_CONNECT_REQUEST: self = .connectRequest
        case RDMA_CM_EVENT_CONNECT_RESPONSE: self = .connectResponse
        case RDMA_CM_EVENT_CONNECT_ERROR: self = .connectError
        case RDMA_CM_EVENT_UNREACHABLE: self = .unreachable
        case RDMA_CM_EVENT_REJECTED: self = .rejected
        case RDMA_CM_EVENT_ESTABLISHED: self = .established
        case RDMA_CM_EVENT_DISCONNECTED: self = .disconnected
        case RDMA_CM_EVENT_DEVICE_REMOVAL: self = .deviceRemoval
        case RDMA_CM_EVENT_ADDR_CHANGE: self = .addressChange
        case RDMA_CM_EVENT_TIMEWAIT_EXIT: self = .timewaitExit
        default: self = .other(raw.rawValue)
        }
    }
}
