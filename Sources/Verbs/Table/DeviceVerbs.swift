package import CRDMA

/// The entries for devices.
@safe
package struct DeviceVerbs: Sendable {
    /// `ibv_get_device_list`: the list ends with a null pointer; the count excludes it.
    package var getList:
        @Sendable (
            _ list: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<ibv_device>?>?>,
            _ count: UnsafeMutablePointer<CInt>
        ) -> CInt
    /// `ibv_free_device_list`.
    package var freeList: @Sendable (UnsafeMutablePointer<UnsafeMutablePointer<ibv_device>?>) -> Void
    /// `ibv_get_device_guid`: in network byte order.
    package var guid: @Sendable (UnsafeMutablePointer<ibv_device>) -> UInt64
    /// `ibv_open_device`.
    package var open:
        @Sendable (
            UnsafeMutablePointer<ibv_device>,
            _ context: UnsafeMutablePointer<UnsafeMutablePointer<ibv_context>?>
        ) -> CInt
    /// `ibv_close_device`.
    package var close: @Sendable (UnsafeMutablePointer<ibv_context>) -> CInt
    /// `ibv_query_device`.
    package var query: @Sendable (UnsafeMutablePointer<ibv_context>, UnsafeMutablePointer<ibv_device_attr>) -> CInt
    /// `ibv_query_device_ex`: how far completion events can be moderated; zeros where they cannot.
    package var queryModeration:
        @Sendable (
            UnsafeMutablePointer<ibv_context>, _ count: UnsafeMutablePointer<UInt16>,
            _ microseconds: UnsafeMutablePointer<UInt16>
        ) -> CInt
    /// `ibv_query_port`.
    package var queryPort:
        @Sendable (
            UnsafeMutablePointer<ibv_context>, _ port: UInt8, UnsafeMutablePointer<ibv_port_attr>
        ) -> CInt
    /// `ibv_query_gid_table`: only entries that are in use.
    package var queryAddresses:
        @Sendable (
            UnsafeMutablePointer<ibv_context>, UnsafeMutablePointer<ibv_gid_entry>,
            _ capacity: Int, _ count: UnsafeMutablePointer<Int>
        ) -> CInt

    /// `ibv_get_async_event`: `EAGAIN` when there is none, because the descriptor does not block.
    package var getEvent: @Sendable (UnsafeMutablePointer<ibv_context>, UnsafeMutablePointer<ibv_async_event>) -> CInt
    /// `ibv_ack_async_event`.
    package var acknowledgeEvent: @Sendable (UnsafeMutablePointer<ibv_async_event>) -> Void

    /// The calls of libibverbs.
    package static let system = unsafe DeviceVerbs(
        getList: crdma_get_device_list,
        freeList: { unsafe ibv_free_device_list($0) },
        guid: { unsafe ibv_get_device_guid($0) },
        open: crdma_open_device,
        close: crdma_close_device,
        query: { unsafe ibv_query_device($0, $1) },
        queryModeration: crdma_query_moderation,
        queryPort: crdma_query_port,
        queryAddresses: crdma_query_gid_table,
        getEvent: crdma_get_async_event,
        acknowledgeEvent: { unsafe ibv_ack_async_event($0) })
}
