// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// The entry points are documented in ndkpi.h and ndk.h.

public import CNDK
import LAM

/// `NDK_MW`.
@safe
final class MemoryWindowObject: ProviderObject, @unchecked Sendable {
    let domain: ProtectionDomainObject
    // Not changed; what it stands for has a lock of its own.
    let window: UnsafeMutablePointer<MemoryWindow>

    private init(
        _ window: consuming MemoryWindow, in domain: ProtectionDomainObject,
        _ antecedents: consuming sending Antecedents
    ) {
        self.domain = domain
        unsafe self.window = .allocate(capacity: 1)
        unsafe self.window.initialize(to: window)
        super.init(NdkObjectTypeMw, needs: antecedents)
    }

    static func create(in domain: ProtectionDomainObject) throws(StatusError) -> MemoryWindowObject {
        let antecedents = try Antecedents([domain])
        do throws(AdapterError) {
            return MemoryWindowObject(try domain.adapter.lam.createMemoryWindow(), in: domain, antecedents)
        } catch {
            throw StatusError(error)
        }
    }

    override var adapter: AdapterObject { domain.adapter }

    override func tearDown() {
        unsafe window.deinitialize(count: 1)
        unsafe window.deallocate()
    }
}

// MARK: Entry points

@c @implementation
public func ndk_pd_create_mw(
    _ domain: UnsafeMutablePointer<NDK_PD>?, _ completion: NDK_FN_CREATE_COMPLETION?,
    _ context: UnsafeMutableRawPointer?, _ result: UnsafeMutablePointer<UnsafeMutablePointer<NDK_MW>?>?
) -> NTSTATUS {
    unsafe create(result) { () throws(StatusError) in
        try unsafe MemoryWindowObject.create(in: ObjectHandle.object(domain, NdkObjectTypePd))
    }
}

@c @implementation
public func ndk_mw_get_remote_token(_ window: UnsafeMutablePointer<NDK_MW>?) -> UINT32 {
    var token: UINT32 = 0
    _ = status { () throws(StatusError) in
        try unsafe ObjectHandle.with(window, NdkObjectTypeMw) { (object: MemoryWindowObject) in
            token = unsafe object.window.pointee.remoteMemory?.key ?? 0
        }
        return .success
    }
    return token
}
