// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// The entry points are documented in ndkpi.h and ndk.h.

public import CNDK
import LAM

/// `NDK_PD`. The mappings of an adapter are for all of its domains, which share one of the device.
final class ProtectionDomainObject: ProviderObject, @unchecked Sendable {
    private let parent: AdapterObject

    init(_ parent: AdapterObject) throws(StatusError) {
        self.parent = parent
        super.init(NdkObjectTypePd, needs: try Antecedents([parent]))
    }

    override var adapter: AdapterObject { parent }
}

// MARK: Entry points

@c @implementation
public func ndk_adapter_create_pd(
    _ adapter: UnsafeMutablePointer<NDK_ADAPTER>?, _ completion: NDK_FN_CREATE_COMPLETION?,
    _ context: UnsafeMutableRawPointer?, _ result: UnsafeMutablePointer<UnsafeMutablePointer<NDK_PD>?>?
) -> NTSTATUS {
    unsafe create(result) { () throws(StatusError) in
        try unsafe ProtectionDomainObject(ObjectHandle.object(adapter, NdkObjectTypeAdapter))
    }
}

@c @implementation
public func ndk_pd_get_privileged_token(
    _ domain: UnsafeMutablePointer<NDK_PD>?, _ token: UnsafeMutablePointer<UINT32>?
) {
    _ = status { () throws(StatusError) in
        guard let token = unsafe token else { throw StatusError(.invalidParameter, "pToken is NULL") }
        unsafe token.pointee = try ObjectHandle.with(domain, NdkObjectTypePd) { (domain: ProtectionDomainObject) in
            domain.adapter.lam.privilegedToken
        }
        return .success
    }
}
