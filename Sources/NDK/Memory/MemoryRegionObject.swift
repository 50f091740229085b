// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// The entry points are documented in ndkpi.h and ndk.h.

public import CNDK
import LAM

/// `NDK_MR`.
@safe
final class MemoryRegionObject: ProviderObject, @unchecked Sendable {
    let domain: ProtectionDomainObject
    // Registered, and used by requests, by one thread at a time.
    let region: UnsafeMutablePointer<MemoryRegion>

    private init(
        _ region: consuming MemoryRegion, in domain: ProtectionDomainObject,
        _ antecedents: consuming sending Antecedents
    ) {
        self.domain = domain
        unsafe self.region = .allocate(capacity: 1)
        unsafe self.region.initialize(to: region)
        super.init(NdkObjectTypeMr, needs: antecedents)
    }

    static func create(
        in domain: ProtectionDomainObject, _ kind: MemoryRegion.Kind
    ) throws(StatusError) -> MemoryRegionObject {
        let antecedents = try Antecedents([domain])
        do throws(AdapterError) {
            return MemoryRegionObject(try domain.adapter.lam.createMemoryRegion(kind), in: domain, antecedents)
        } catch {
            throw StatusError(error)
        }
    }

    override var adapter: AdapterObject { domain.adapter }

    override func tearDown() {
        unsafe region.deinitialize(count: 1)
        unsafe region.deallocate()
    }

    func register(
        _ chain: ProgramMemory, _ access: RegionAccess
    ) throws(StatusError) {
        do throws(RegionError) {
            try unsafe region.pointee.register(chain.descriptors, length: chain.length, access: access)
        } catch {
            throw StatusError(error)
        }
    }
}

// MARK: Entry points

@c @implementation
public func ndk_pd_create_mr(
    _ domain: UnsafeMutablePointer<NDK_PD>?, _ isFast: BOOLEAN, _ completion: NDK_FN_CREATE_COMPLETION?,
    _ context: UnsafeMutableRawPointer?, _ result: UnsafeMutablePointer<UnsafeMutablePointer<NDK_MR>?>?
) -> NTSTATUS {
    unsafe create(result) { () throws(StatusError) in
        try unsafe MemoryRegionObject.create(
            in: ObjectHandle.object(domain, NdkObjectTypePd), isFast == 0 ? .registered : .fastRegistered)
    }
}

@c @implementation
public func ndk_mr_register(
    _ region: UnsafeMutablePointer<NDK_MR>?, _ descriptors: UnsafeMutablePointer<MDL>?, _ length: SIZE_T,
    _ flags: ULONG, _ completion: NDK_FN_REQUEST_COMPLETION?, _ context: UnsafeMutableRawPointer?
) -> NTSTATUS {
    status { () throws(StatusError) in
        let access = try RegionAccess(programFlags: flags)
        let region: MemoryRegionObject = try unsafe ObjectHandle.object(region, NdkObjectTypeMr)
        let chain = try unsafe ProgramMemory(descriptors, length: length)
        guard chain.isLong, unsafe completion != nil else {
            try region.register(chain, access)
            return .success
        }
        let request = try unsafe Request(on: region, completion, context)
        region.adapter.errands.run {
            request.end(with: { () throws(StatusError) in try region.register(chain, access) })
        }
        return .pending
    }
}

@c @implementation
public func ndk_mr_deregister(
    _ region: UnsafeMutablePointer<NDK_MR>?, _ completion: NDK_FN_REQUEST_COMPLETION?,
    _ context: UnsafeMutableRawPointer?
) -> NTSTATUS {
    unsafe withRegion(region) { (region) throws(RegionError) in try region.deregister() }
}

@c @implementation
public func ndk_mr_initialize_fast_register(
    _ region: UnsafeMutablePointer<NDK_MR>?, _ pageCount: ULONG, _ remoteAccess: BOOLEAN,
    _ completion: NDK_FN_REQUEST_COMPLETION?, _ context: UnsafeMutableRawPointer?
) -> NTSTATUS {
    unsafe withRegion(region) { (region) throws(RegionError) in
        try region.initializeFastRegister(pageCount: Int(pageCount), remoteAccess: remoteAccess != 0)
    }
}

private func withRegion(
    _ region: UnsafeMutablePointer<NDK_MR>?, _ body: (inout MemoryRegion) throws(RegionError) -> Void
) -> NTSTATUS {
    status { () throws(StatusError) in
        try unsafe ObjectHandle.with(region, NdkObjectTypeMr) { (object: MemoryRegionObject) throws(StatusError) in
            do throws(RegionError) {
                try unsafe body(&object.region.pointee)
            } catch .pageCount(let asked, let limit) {
                throw StatusError(.implementationLimit, because: .region(.pageCount(asked: asked, limit: limit)))
            } catch {
                throw StatusError(error)
            }
        }
        return .success
    }
}

@c @implementation
public func ndk_mr_get_remote_token(_ region: UnsafeMutablePointer<NDK_MR>?) -> UINT32 {
    unsafe token(of: region) { $0.remoteMemory?.key ?? 0 }
}

@c @implementation
public func ndk_mr_get_local_token(_ region: UnsafeMutablePointer<NDK_MR>?) -> UINT32 {
    unsafe token(of: region) { $0.localToken }
}

private func token(
    of region: UnsafeMutablePointer<NDK_MR>?, _ body: (borrowing MemoryRegion) -> UINT32
) -> UINT32 {
    var token: UINT32 = 0
    _ = status { () throws(StatusError) in
        try unsafe ObjectHandle.with(region, NdkObjectTypeMr) { (object: MemoryRegionObject) in
            token = unsafe body(object.region.pointee)
        }
        return .success
    }
    return token
}
