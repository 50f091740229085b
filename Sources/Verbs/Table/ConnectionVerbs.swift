package import CRDMA

/// The entries for connections.
@safe
package struct ConnectionVerbs: Sendable {
    /// An identifier of librdmacm.
    package typealias Identifier = UnsafeMutablePointer<rdma_cm_id>

    /// `rdma_create_event_channel`.
    package var createChannel:
        @Sendable (
            _ channel: UnsafeMutablePointer<UnsafeMutablePointer<rdma_event_channel>?>
        ) -> CInt
    /// `rdma_destroy_event_channel`.
    package var destroyChannel: @Sendable (UnsafeMutablePointer<rdma_event_channel>) -> Void
    /// `rdma_get_cm_event`.
    package var getEvent:
        @Sendable (
            UnsafeMutablePointer<rdma_event_channel>,
            _ event: UnsafeMutablePointer<UnsafeMutablePointer<rdma_cm_event>?>
        ) -> CInt
    /// `rdma_ack_cm_event`.
    package var acknowledgeEvent: @Sendable (UnsafeMutablePointer<rdma_cm_event>) -> CInt

    /// `rdma_create_id`.
    package var createIdentifier:
        @Sendable (
            UnsafeMutablePointer<rdma_event_channel>, _ context: UnsafeMutableRawPointer?,
            rdma_port_space, _ identifier: UnsafeMutablePointer<Identifier?>
        ) -> CInt
    /// `rdma_destroy_id`.
    package var destroyIdentifier: @Sendable (Identifier) -> CInt
    /// `rdma_set_option`.
    package var setOption:
        @Sendable (
            Identifier, _ level: CInt, _ option: CInt, _ value: UnsafeMutableRawPointer,
            _ length: Int
        ) -> CInt
    /// `rdma_bind_addr`.
    package var bind: @Sendable (Identifier, UnsafeMutablePointer<sockaddr>) -> CInt
    /// `rdma_resolve_addr`.
    package var resolveAddress:
        @Sendable (
            Identifier, _ source: UnsafeMutablePointer<sockaddr>?,
            _ destination: UnsafeMutablePointer<sockaddr>, _ timeoutMilliseconds: CInt
        ) -> CInt
    /// `rdma_resolve_route`.
    package var resolveRoute: @Sendable (Identifier, _ timeoutMilliseconds: CInt) -> CInt
    /// `rdma_listen`.
    package var listen: @Sendable (Identifier, _ backlog: CInt) -> CInt
    /// `rdma_connect`.
    package var connect: @Sendable (Identifier, UnsafeMutablePointer<rdma_conn_param>) -> CInt
    /// `rdma_accept`.
    package var accept: @Sendable (Identifier, UnsafeMutablePointer<rdma_conn_param>) -> CInt
    /// `rdma_reject`.
    package var reject: @Sendable (Identifier, UnsafeRawPointer?, _ length: UInt8) -> CInt
    /// `rdma_establish`.
    package var establish: @Sendable (Identifier) -> CInt
    /// `rdma_disconnect`.
    package var disconnect: @Sendable (Identifier) -> CInt
    /// `rdma_init_qp_attr`.
    package var initializeAttributes:
        @Sendable (
            Identifier, UnsafeMutablePointer<ibv_qp_attr>, _ mask: UnsafeMutablePointer<CInt>
        ) -> CInt

    /// The calls of librdmacm.
    package static let system = unsafe ConnectionVerbs(
        createChannel: crdma_create_event_channel,
        destroyChannel: { unsafe rdma_destroy_event_channel($0) },
        getEvent: crdma_get_cm_event,
        acknowledgeEvent: crdma_ack_cm_event,
        createIdentifier: crdma_create_id,
        destroyIdentifier: crdma_destroy_id,
        setOption: crdma_set_option,
        bind: crdma_bind_addr,
        resolveAddress: crdma_resolve_addr,
        resolveRoute: crdma_resolve_route,
        listen: crdma_listen,
        connect: crdma_connect,
        accept: crdma_accept,
        reject: crdma_reject,
        establish: crdma_establish,
        disconnect: crdma_disconnect,
        initializeAttributes: crdma_init_qp_attr)
}
