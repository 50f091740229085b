// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// The entry points are documented in ndkpi.h and ndk.h.

public import CNDK
import LAM

/// `NDK_SRQ`.
@safe
final class SharedReceiveQueueObject: ProviderObject, @unchecked Sendable {
    private let parent: AdapterObject
    // Receives are posted by one thread at a time, beside which others make queue pairs.
    let queue: UnsafeMutablePointer<SharedReceiveQueue>
    /// Of a receive.
    let elements: UInt32

    private init(
        _ queue: consuming SharedReceiveQueue, elements: UInt32, of domain: ProtectionDomainObject,
        _ antecedents: consuming sending Antecedents
    ) {
        parent = domain.adapter
        self.elements = elements
        unsafe self.queue = .allocate(capacity: 1)
        unsafe self.queue.initialize(to: queue)
        super.init(NdkObjectTypeSrq, needs: antecedents)
    }

    /// Creates a queue; `notify` is called among the adapter's callbacks.
    static func create(
        in domain: ProtectionDomainObject, depth: UInt32, elements: UInt32, threshold: UInt32,
        notify: @escaping @Sendable (Status) -> Void
    ) throws(StatusError) -> SharedReceiveQueueObject {
        let antecedents = try Antecedents([domain])
        do throws(AdapterError) {
            let queue = try domain.adapter.lam.createSharedReceiveQueue(
                depth: Int(depth), elements: Int(elements), threshold: Int(threshold)
            ) { [callbacks = domain.adapter.callbacks] in
                let status: Status = $0 == .failed ? .internalError : .success
                callbacks.run { notify(status) }
            }
            return SharedReceiveQueueObject(queue, elements: elements, of: domain, antecedents)
        } catch {
            throw StatusError(error)
        }
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
        return try SharedReceiveQueueObject.create(
            in: domain, depth: depth, elements: elements, threshold: threshold
        ) { unsafe notification?(notificationContext.value, $0.code) }
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
            // Within the device's limit it is too little for what is posted.
            guard case .limitExceeded("posted receives", _, _) = error else { throw StatusError(error) }
            throw StatusError(.bufferOverflow, because: .adapter(error))
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
        try unsafe ObjectHandle.with(queue, NdkObjectTypeSrq) {
            (object: SharedReceiveQueueObject) throws(StatusError) in
            let elements = try unsafe programElements(elements, count, atMost: Int(object.elements))
            do throws(PostError) {
                try unsafe object.queue.pointee.receive(
                    into: Span(_unsafeElements: elements), context: requestContext(context))
            } catch {
                throw StatusError(error)
            }
            return .success
        }
    }
}
