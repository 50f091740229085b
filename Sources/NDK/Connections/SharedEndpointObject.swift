// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// The entry points are documented in ndkpi.h and ndk.h.

public import CNDK
import LAM

/// `NDK_SHARED_ENDPOINT`.
final class SharedEndpointObject: ProviderObject, @unchecked Sendable {
    private let parent: AdapterObject
    let endpoint: SharedEndpoint

    init(_ endpoint: SharedEndpoint, of adapter: AdapterObject) throws(StatusError) {
        parent = adapter
        self.endpoint = endpoint
        super.init(NdkObjectTypeSharedEndpoint, needs: try Antecedents([adapter]))
    }

    override var adapter: AdapterObject { parent }

    override func cancel() {
        hold()
        endpoint.close { self.release() }
    }
}

// MARK: Entry points

@c @implementation
public func ndk_adapter_create_shared_endpoint(
    _ adapter: UnsafeMutablePointer<NDK_ADAPTER>?, _ address: PSOCKADDR?, _ length: ULONG,
    _ completion: NDK_FN_CREATE_COMPLETION?, _ context: UnsafeMutableRawPointer?,
    _ result: UnsafeMutablePointer<UnsafeMutablePointer<NDK_SHARED_ENDPOINT>?>?
) -> NTSTATUS {
    status { () throws(StatusError) in
        let adapter: AdapterObject = try unsafe ObjectHandle.object(adapter, NdkObjectTypeAdapter)
        let address = try unsafe SocketAddress(program: address, length: length)
        let creation = try unsafe Creation(on: adapter, completion, context)
        adapter.lam.createSharedEndpoint(on: address) { result in
            creation.end(
                Result { () throws(StatusError) in
                    do throws(ConnectionError) { return try result.get() } catch { throw StatusError(error) }
                }.flatMap { endpoint in
                    Result { () throws(StatusError) in try SharedEndpointObject(endpoint, of: adapter) }
                })
        }
        return .pending
    }
}

@c @implementation
public func ndk_shared_endpoint_get_local_address(
    _ endpoint: UnsafeMutablePointer<NDK_SHARED_ENDPOINT>?, _ address: PSOCKADDR?,
    _ length: UnsafeMutablePointer<ULONG>?
) -> NTSTATUS {
    status { () throws(StatusError) in
        let object: SharedEndpointObject = try unsafe ObjectHandle.object(endpoint, NdkObjectTypeSharedEndpoint)
        try unsafe object.endpoint.address.write(to: address, length: length)
        return .success
    }
}
