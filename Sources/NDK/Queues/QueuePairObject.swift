// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// The entry points are documented in ndkpi.h and ndk.h.

public import CNDK
import LAM

/// `NDK_QP`.
@safe
final class QueuePairObject: ProviderObject, @unchecked Sendable {
    let domain: ProtectionDomainObject
    // Sends are posted by one thread at a time, and receives by one, which may be another.
    let queuePair: UnsafeMutablePointer<QueuePair>
    /// For flushes, which may come beside posts.
    let queuePairHandle: QueuePairHandle
    let capacity: QueuePairCapacity

    private init(
        _ queuePair: consuming QueuePair, context: ProgramPointer, in domain: ProtectionDomainObject,
        _ antecedents: consuming sending Antecedents
    ) {
        self.domain = domain
        domain.adapter.contexts[queuePair.number] = context
        queuePairHandle = queuePair.handle
        capacity = queuePair.capacity
        unsafe self.queuePair = .allocate(capacity: 1)
        unsafe self.queuePair.initialize(to: queuePair)
        super.init(NdkObjectTypeQp, needs: antecedents)
    }

    /// Creates a queue pair over queues of its domain's adapter, with receives of its own or shared ones.
    static func create(
        in domain: ProtectionDomainObject, sends: CompletionQueueObject, receives: CompletionQueueObject,
        shared: SharedReceiveQueueObject?, _ capacity: QueuePairCapacity, context: ProgramPointer
    ) throws(StatusError) -> QueuePairObject {
        let adapter = domain.adapter
        guard receives.adapter === adapter, sends.adapter === adapter, shared.map({ $0.adapter === adapter }) ?? true
        else { throw StatusError(.invalidParameter, "the queues are of different adapters") }
        let needs: [ProviderObject?] = [domain, sends, receives, shared]
        let antecedents = try Antecedents(needs.compactMap { $0 })
        do throws(AdapterError) {
            let queuePair =
                if let shared {
                    try unsafe adapter.lam.createQueuePair(
                        sendCompletions: sends.queue.pointee, receiveCompletions: receives.queue.pointee,
                        receivesFrom: shared.queue.pointee, capacity: capacity)
                } else {
                    try unsafe adapter.lam.createQueuePair(
                        sendCompletions: sends.queue.pointee, receiveCompletions: receives.queue.pointee,
                        capacity: capacity)
                }
            return QueuePairObject(queuePair, context: context, in: domain, antecedents)
        } catch {
            throw StatusError(error)
        }
    }

    override var adapter: AdapterObject { domain.adapter }

    override func tearDown() {
        unsafe queuePair.move().close()
        unsafe queuePair.deallocate()
    }
}

// MARK: Entry points

@c @implementation
public func ndk_pd_create_qp(
    _ domain: UnsafeMutablePointer<NDK_PD>?, _ receives: UnsafeMutablePointer<NDK_CQ>?,
    _ sends: UnsafeMutablePointer<NDK_CQ>?, _ queuePairContext: UnsafeMutableRawPointer?, _ receiveDepth: ULONG,
    _ sendDepth: ULONG, _ receiveElements: ULONG, _ sendElements: ULONG, _ inlineBytes: ULONG,
    _ completion: NDK_FN_CREATE_COMPLETION?, _ context: UnsafeMutableRawPointer?,
    _ result: UnsafeMutablePointer<UnsafeMutablePointer<NDK_QP>?>?
) -> NTSTATUS {
    unsafe create(result) { () throws(StatusError) in
        try unsafe QueuePairObject.create(
            in: ObjectHandle.object(domain, NdkObjectTypePd), sends: ObjectHandle.object(sends, NdkObjectTypeCq),
            receives: ObjectHandle.object(receives, NdkObjectTypeCq), shared: nil,
            QueuePairCapacity(
                sendDepth: Int(sendDepth), receiveDepth: Int(receiveDepth), sendElements: Int(sendElements),
                receiveElements: Int(receiveElements), inlineBytes: Int(inlineBytes)),
            context: ProgramPointer(queuePairContext))
    }
}

@c @implementation
public func ndk_pd_create_qp_with_srq(
    _ domain: UnsafeMutablePointer<NDK_PD>?, _ receives: UnsafeMutablePointer<NDK_CQ>?,
    _ sends: UnsafeMutablePointer<NDK_CQ>?, _ sharedQueue: UnsafeMutablePointer<NDK_SRQ>?,
    _ queuePairContext: UnsafeMutableRawPointer?, _ sendDepth: ULONG, _ sendElements: ULONG, _ inlineBytes: ULONG,
    _ completion: NDK_FN_CREATE_COMPLETION?, _ context: UnsafeMutableRawPointer?,
    _ result: UnsafeMutablePointer<UnsafeMutablePointer<NDK_QP>?>?
) -> NTSTATUS {
    unsafe create(result) { () throws(StatusError) in
        try unsafe QueuePairObject.create(
            in: ObjectHandle.object(domain, NdkObjectTypePd), sends: ObjectHandle.object(sends, NdkObjectTypeCq),
            receives: ObjectHandle.object(receives, NdkObjectTypeCq),
            shared: ObjectHandle.object(sharedQueue, NdkObjectTypeSrq),
            QueuePairCapacity(
                sendDepth: Int(sendDepth), receiveDepth: 0, sendElements: Int(sendElements), receiveElements: 0,
                inlineBytes: Int(inlineBytes)),
            context: ProgramPointer(queuePairContext))
    }
}
