// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// The entry points are documented in ndkpi.h and ndk.h.

public import CNDK
import LAM

/// What a connector knows of its connection.

@c @implementation
public func ndk_connector_get_connection_data(
    _ connector: UnsafeMutablePointer<NDK_CONNECTOR>?, _ inbound: UnsafeMutablePointer<ULONG>?,
    _ outbound: UnsafeMutablePointer<ULONG>?, _ bytes: UnsafeMutableRawPointer?,
    _ length: UnsafeMutablePointer<ULONG>?
) -> NTSTATUS {
    status { () throws(StatusError) in
        guard let length = unsafe length else {
            throw StatusError(.invalidParameter, "pPrivateDataLength is NULL")
        }
        let room = unsafe length.pointee
        guard unsafe room == 0 || bytes != nil else {
            throw StatusError(.invalidParameter, "pPrivateData is NULL, and *pPrivateDataLength is not 0")
        }
        let object: ConnectorObject = try unsafe ObjectHandle.object(connector, NdkObjectTypeConnector)
        guard let data = object.data else {
            throw StatusError(.connectionInvalid, "the peer has said nothing yet")
        }
        unsafe inbound?.pointee = ULONG(data.inbound)
        unsafe outbound?.pointee = ULONG(data.outbound)
        unsafe length.pointee = ULONG(data.bytes.count)
        guard let bytes = unsafe bytes else { return .success }
        unsafe UnsafeMutableRawBufferPointer(start: bytes, count: Int(room))
            .copyBytes(from: data.bytes.prefix(Int(room)))
        guard room >= data.bytes.count else {
            throw StatusError(.bufferTooSmall, "there are \(data.bytes.count) bytes, and room for \(room)")
        }
        return .success
    }
}

@c @implementation
public func ndk_connector_get_local_address(
    _ connector: UnsafeMutablePointer<NDK_CONNECTOR>?, _ address: PSOCKADDR?, _ length: UnsafeMutablePointer<ULONG>?
) -> NTSTATUS {
    unsafe write(connector, address, length) { $0.localAddress }
}

@c @implementation
public func ndk_connector_get_peer_address(
    _ connector: UnsafeMutablePointer<NDK_CONNECTOR>?, _ address: PSOCKADDR?, _ length: UnsafeMutablePointer<ULONG>?
) -> NTSTATUS {
    unsafe write(connector, address, length) { $0.peerAddress }
}

private func write(
    _ connector: UnsafeMutablePointer<NDK_CONNECTOR>?, _ pointer: PSOCKADDR?, _ length: UnsafeMutablePointer<ULONG>?,
    _ address: (Connector) -> SocketAddress?
) -> NTSTATUS {
    status { () throws(StatusError) in
        let object: ConnectorObject = try unsafe ObjectHandle.object(connector, NdkObjectTypeConnector)
        guard let address = address(object.connector) else {
            throw StatusError(.connectionInvalid, "the way to the peer is not known yet")
        }
        try unsafe address.write(to: pointer, length: length)
        return .success
    }
}
