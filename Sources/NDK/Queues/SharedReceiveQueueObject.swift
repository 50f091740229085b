public import CNDK
import LAM

/// `NDK_SRQ`.
@safe
final class SharedReceiveQueueObject: ProviderObject, @unchecked Sendable {
    private let parent: AdapterObject
    // Receives are posted by one thread at a time, beside which others make queue pairs.
    let queue: UnsafeMutablePointer<SharedReceiveQueue>

    init(_ queue: consuming SharedReceiveQueue, of domain: ProtectionDomainObject) {
        parent = domain.adapter
        unsafe self.queue = .allocate(capacity: 1)
        unsafe self.queue.initialize(to: queue)
        super.init(ObjectHandle(NdkObjectTypeSrq), needs: [domain])
    }

    override var adapter: AdapterObject { parent }

    override func tearDown() {
        // Its queue pairs are gone.
        try? unsafe queue.move().close()
        unsafe queue.deallocate()
    }
}

// MARK: Entry points

@c @implementation
public func ndk_pd_create_srq(
    _ domain: UnsafeMutablePointer<NDK_PD>?, _ depth: ULONG, _ elements: ULONG, _ threshold: ULONG,
    _ notification: NDK_FN_SRQ_NOTIFICATION_CALLBACK?, _ notificationContext: UnsafeMutableRawPointer?,
    _ affinity: UnsafeMutablePointer<GROUP_AFFINITY>?, _ completion: NDK_FN_CREATE_COMPLETION?,
    _ context: UnsafeMutableRawPointer?, _ result: UnsafeMutablePointer<UnsafeMutablePointer<NDK_SRQ>?>?
) -> NTSTATUS {
    unsafe create(result) { () throws(StatusError) in
        let domain: ProtectionDomainObject = try unsafe ObjectHandle.object(domain, NdkObjectTypePd)
        let notificationContext = unsafe ProgramPointer(notificationContext)
        do throws(AdapterError) {
            return SharedReceiveQueueObject(
                try domain.adapter.lam.createSharedReceiveQueue(
                    depth: Int(depth), elements: Int(elements), threshold: Int(threshold)
                ) { [callbacks = domain.adapter.callbacks] reason in
                    let status: Status = reason == .failed ? .internalError : .success
                    callbacks.run { unsafe notification?(notificationContext.value, status.code) }
                }, of: domain)
        } catch {
            throw StatusError(error)
        }
    }
}

@c @implementation
public func ndk_srq_modify(
    _ queue: UnsafeMutablePointer<NDK_SRQ>?, _ depth: ULONG, _ threshold: ULONG,
    _ completion: NDK_FN_REQUEST_COMPLETION?, _ context: UnsafeMutableRawPointer?
) -> NTSTATUS {
    status { () throws(StatusError) in
        let object: SharedReceiveQueueObject = try unsafe ObjectHandle.object(queue, NdkObjectTypeSrq)
        do throws(AdapterError) {
            try unsafe object.queue.pointee.modify(depth: Int(depth), threshold: Int(threshold))
        } catch {
            throw StatusError(error)
        }
        return .success
    }
}

@c @implementation
public func ndk_srq_receive(
    _ queue: UnsafeMutablePointer<NDK_SRQ>?, _ context: UnsafeMutableRawPointer?,
    _ elements: UnsafePointer<NDK_SGE>?, _ count: ULONG
) -> NTSTATUS {
    status { () throws(StatusError) in
        guard unsafe count == 0 || elements != nil else { throw StatusError(.invalidParameter, "pSgl is NULL") }
        return try unsafe ObjectHandle.with(queue, NdkObjectTypeSrq) {
            (object: SharedReceiveQueueObject) throws(StatusError) in
            do throws(PostError) {
                try unsafe object.queue.pointee.receive(
                    into: ProgramElements(elements, count).span, context: UInt64(UInt(bitPattern: context)))
            } catch {
                throw StatusError(error)
            }
            return .success
        }
    }
}
