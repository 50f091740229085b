public import CNDK
import LAM

/// `NDK_QP`.
@safe
final class QueuePairObject: ProviderObject, @unchecked Sendable {
    private let parent: AdapterObject
    // Sends are posted by one thread at a time, and receives by one, which may be another.
    let queuePair: UnsafeMutablePointer<QueuePair>

    init(
        _ queuePair: consuming QueuePair, context: ProgramPointer, of adapter: AdapterObject,
        needs antecedents: [ProviderObject]
    ) {
        parent = adapter
        adapter.contexts[queuePair.number] = context
        unsafe self.queuePair = .allocate(capacity: 1)
        unsafe self.queuePair.initialize(to: queuePair)
        super.init(ObjectHandle(NdkObjectTypeQp), needs: antecedents)
    }

    override var adapter: AdapterObject { parent }

    override func tearDown() {
        unsafe queuePair.move().close()
        unsafe queuePair.deallocate()
    }
}

// MARK: Creating

/// What both forms of creation share.
private func create(
    _ result: UnsafeMutablePointer<UnsafeMutablePointer<NDK_QP>?>?, in domain: UnsafeMutablePointer<NDK_PD>?,
    context: UnsafeMutableRawPointer?, receives: UnsafeMutablePointer<NDK_CQ>?,
    sends: UnsafeMutablePointer<NDK_CQ>?, sharedQueue: UnsafeMutablePointer<NDK_SRQ>?, _ capacity: QueuePairCapacity
) -> NTSTATUS {
    unsafe create(result) { () throws(StatusError) in
        let domain: ProtectionDomainObject = try unsafe ObjectHandle.object(domain, NdkObjectTypePd)
        let receives: CompletionQueueObject = try unsafe ObjectHandle.object(receives, NdkObjectTypeCq)
        let sends: CompletionQueueObject = try unsafe ObjectHandle.object(sends, NdkObjectTypeCq)
        let shared: SharedReceiveQueueObject? =
            try unsafe sharedQueue == nil ? nil : ObjectHandle.object(sharedQueue, NdkObjectTypeSrq)
        let adapter = domain.adapter
        guard receives.adapter === adapter, sends.adapter === adapter, shared.map({ $0.adapter === adapter }) ?? true
        else { throw StatusError(.invalidParameter, "the queues are of different adapters") }
        let queuePair: QueuePair
        do throws(AdapterError) {
            queuePair =
                if let shared {
                    try unsafe adapter.lam.createQueuePair(
                        sendCompletions: sends.queue.pointee, receiveCompletions: receives.queue.pointee,
                        receivesFrom: shared.queue.pointee, capacity: capacity)
                } else {
                    try unsafe adapter.lam.createQueuePair(
                        sendCompletions: sends.queue.pointee, receiveCompletions: receives.queue.pointee,
                        capacity: capacity)
                }
        } catch {
            throw StatusError(error)
        }
        let needs: [ProviderObject?] = [domain, sends, receives, shared]
        return unsafe QueuePairObject(
            queuePair, context: ProgramPointer(context), of: adapter, needs: needs.compactMap { $0 })
    }
}

@c @implementation
public func ndk_pd_create_qp(
    _ domain: UnsafeMutablePointer<NDK_PD>?, _ receives: UnsafeMutablePointer<NDK_CQ>?,
    _ sends: UnsafeMutablePointer<NDK_CQ>?, _ queuePairContext: UnsafeMutableRawPointer?, _ receiveDepth: ULONG,
    _ sendDepth: ULONG, _ receiveElements: ULONG, _ sendElements: ULONG, _ inlineBytes: ULONG,
    _ completion: NDK_FN_CREATE_COMPLETION?, _ context: UnsafeMutableRawPointer?,
    _ result: UnsafeMutablePointer<UnsafeMutablePointer<NDK_QP>?>?
) -> NTSTATUS {
    unsafe create(
        result, in: domain, context: queuePairContext, receives: receives, sends: sends, sharedQueue: nil,
        QueuePairCapacity(
            sendDepth: Int(sendDepth), receiveDepth: Int(receiveDepth), sendElements: Int(sendElements),
            receiveElements: Int(receiveElements), inlineBytes: Int(inlineBytes)))
}

@c @implementation
public func ndk_pd_create_qp_with_srq(
    _ domain: UnsafeMutablePointer<NDK_PD>?, _ receives: UnsafeMutablePointer<NDK_CQ>?,
    _ sends: UnsafeMutablePointer<NDK_CQ>?, _ sharedQueue: UnsafeMutablePointer<NDK_SRQ>?,
    _ queuePairContext: UnsafeMutableRawPointer?, _ sendDepth: ULONG, _ sendElements: ULONG, _ inlineBytes: ULONG,
    _ completion: NDK_FN_CREATE_COMPLETION?, _ context: UnsafeMutableRawPointer?,
    _ result: UnsafeMutablePointer<UnsafeMutablePointer<NDK_QP>?>?
) -> NTSTATUS {
    guard unsafe sharedQueue != nil else { return Status.invalidParameter.code }
    return unsafe create(
        result, in: domain, context: queuePairContext, receives: receives, sends: sends, sharedQueue: sharedQueue,
        QueuePairCapacity(
            sendDepth: Int(sendDepth), receiveDepth: 0, sendElements: Int(sendElements), receiveElements: 0,
            inlineBytes: Int(inlineBytes)))
}
