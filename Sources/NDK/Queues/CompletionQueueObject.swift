// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// The entry points are documented in ndkpi.h and ndk.h.

public import CNDK
import LAM

/// `NDK_CQ`.
@safe
final class CompletionQueueObject: ProviderObject, @unchecked Sendable {
    private let parent: AdapterObject
    // Results are taken by one thread at a time, beside which others make queue pairs.
    let queue: UnsafeMutablePointer<CompletionQueue>
    let batch: UnsafeMutablePointer<CompletionBatch>

    private init(
        _ queue: consuming CompletionQueue, of parent: AdapterObject, _ antecedents: consuming sending Antecedents
    ) {
        self.parent = parent
        unsafe self.queue = .allocate(capacity: 1)
        unsafe self.queue.initialize(to: queue)
        unsafe batch = .allocate(capacity: 1)
        unsafe batch.initialize(to: CompletionBatch(capacity: 64))
        super.init(NdkObjectTypeCq, needs: antecedents)
    }

    /// Creates a queue; `notify` is called among the adapter's callbacks.
    static func create(
        on adapter: AdapterObject, depth: UInt32, notify: @escaping @Sendable (Status) -> Void
    ) throws(StatusError) -> CompletionQueueObject {
        let antecedents = try Antecedents([adapter])
        do throws(AdapterError) {
            let queue = try adapter.lam.createCompletionQueue(depth: Int(depth)) { [callbacks = adapter.callbacks] in
                let status: Status = $0 == .completionsLost ? .bufferOverflow : .success
                callbacks.run { notify(status) }
            }
            return CompletionQueueObject(queue, of: adapter, antecedents)
        } catch {
            throw StatusError(error)
        }
    }

    override var adapter: AdapterObject { parent }

    override func tearDown() {
        unsafe queue.move().close()
        unsafe queue.deallocate()
        unsafe batch.deinitialize(count: 1)
        unsafe batch.deallocate()
    }

    /// Takes up to `count` results, and hands each to `body` with its index.
    @inline(__always)
    func takeResults(_ count: UInt32, _ body: (Int, Completion, ProgramPointer) -> Void) -> UInt32 {
        var found = 0
        while found < count {
            let asked = min(Int(count) - found, unsafe batch.pointee.capacity)
            let taken = unsafe queue.pointee.poll(into: &batch.pointee, atMost: asked)
            for index in 0..<taken {
                let completion = unsafe batch.pointee[index]
                body(found + index, completion, parent.contexts[completion.queuePairNumber])
            }
            found += taken
            if taken < asked { break }
        }
        return UInt32(truncatingIfNeeded: found)
    }
}

// MARK: Entry points

@c @implementation
public func ndk_adapter_create_cq(
    _ adapter: UnsafeMutablePointer<NDK_ADAPTER>?, _ depth: ULONG, _ notification: NDK_FN_CQ_NOTIFICATION_CALLBACK?,
    _ notificationContext: UnsafeMutableRawPointer?, _ affinity: UnsafeMutablePointer<GROUP_AFFINITY>?,
    _ completion: NDK_FN_CREATE_COMPLETION?, _ context: UnsafeMutableRawPointer?,
    _ result: UnsafeMutablePointer<UnsafeMutablePointer<NDK_CQ>?>?
) -> NTSTATUS {
    unsafe create(result) { () throws(StatusError) in
        guard let notification = unsafe notification else {
            throw StatusError(.invalidParameter, "CqNotification is NULL")
        }
        let notificationContext = unsafe ProgramPointer(notificationContext)
        return try unsafe ObjectHandle.with(adapter, NdkObjectTypeAdapter) {
            (adapter: AdapterObject) throws(StatusError) in
            try CompletionQueueObject.create(on: adapter, depth: depth) {
                unsafe notification(notificationContext.value, $0.code)
            }
        }
    }
}

@c @implementation
public func ndk_cq_resize(
    _ queue: UnsafeMutablePointer<NDK_CQ>?, _ depth: ULONG, _ completion: NDK_FN_REQUEST_COMPLETION?,
    _ context: UnsafeMutableRawPointer?
) -> NTSTATUS {
    status { () throws(StatusError) in
        try unsafe ObjectHandle.with(queue, NdkObjectTypeCq) { (object: CompletionQueueObject) throws(StatusError) in
            do throws(AdapterError) { try unsafe object.queue.pointee.resize(depth: Int(depth)) } catch {
                // Within the device's limit it is too little for what is there.
                guard case .limitExceeded = error, depth <= object.adapter.lam.info.maxCompletionQueueDepth else {
                    throw StatusError(error)
                }
                throw StatusError(.bufferOverflow, because: .adapter(error))
            }
            return .success
        }
    }
}

@c @implementation
public func ndk_cq_arm(_ queue: UnsafeMutablePointer<NDK_CQ>?, _ type: ULONG) {
    _ = status { () throws(StatusError) in
        let trigger: NotificationTrigger
        switch CInt(bitPattern: type) {
        case NDK_CQ_NOTIFY_ERRORS: trigger = .errors
        case NDK_CQ_NOTIFY_ANY: trigger = .any
        case NDK_CQ_NOTIFY_SOLICITED: trigger = .solicited
        default: throw StatusError(.invalidParameter, "\(type) is no NDK_CQ_NOTIFY_*")
        }
        return try unsafe ObjectHandle.with(queue, NdkObjectTypeCq) {
            (object: CompletionQueueObject) throws(StatusError) in
            do throws(AdapterError) { try unsafe object.queue.pointee.arm(for: trigger) } catch {
                throw StatusError(error)
            }
            return .success
        }
    }
}

@c @implementation
public func ndk_cq_get_results(
    _ queue: UnsafeMutablePointer<NDK_CQ>?, _ results: UnsafeMutablePointer<NDK_RESULT>?, _ count: ULONG
) -> ULONG {
    unsafe takeResults(queue, results, count) { (completion, queuePairContext) in
        unsafe NDK_RESULT(
            Status: Status(completion.status, of: completion.operation).code, BytesTransferred: completion.byteCount,
            QPContext: queuePairContext.value,
            RequestContext: UnsafeMutableRawPointer(bitPattern: UInt(completion.context)))
    }
}

@c @implementation
public func ndk_cq_get_results_ex(
    _ queue: UnsafeMutablePointer<NDK_CQ>?, _ results: UnsafeMutablePointer<NDK_RESULT_EX>?, _ count: ULONG
) -> ULONG {
    unsafe takeResults(queue, results, count) { (completion, queuePairContext) in
        unsafe NDK_RESULT_EX(
            Status: Status(completion.status, of: completion.operation).code, BytesTransferred: completion.byteCount,
            QPContext: queuePairContext.value,
            RequestContext: UnsafeMutableRawPointer(bitPattern: UInt(completion.context)),
            Type: NDK_OPERATION_TYPE(rawValue: UInt32(completion.operation.rawValue)),
            ProviderErrorCode: completion.status == .success ? 0 : completion.vendorError,
            TypeSpecificCompletionOutput: UInt(completion.invalidatedKey ?? 0))
    }
}

@inline(__always)
private func takeResults<Entry>(
    _ queue: UnsafeMutablePointer<NDK_CQ>?, _ results: UnsafeMutablePointer<Entry>?, _ count: ULONG,
    _ entry: (Completion, ProgramPointer) -> Entry
) -> ULONG {
    var taken: ULONG = 0
    _ = status { () throws(StatusError) in
        guard let results = unsafe results else { throw StatusError(.invalidParameter, "Results is NULL") }
        taken = try unsafe ObjectHandle.with(queue, NdkObjectTypeCq) { (object: CompletionQueueObject) in
            object.takeResults(count) { unsafe (results + $0).initialize(to: entry($1, $2)) }
        }
        return .success
    }
    return taken
}

@c @implementation
public func ndk_cq_control_interrupt_moderation(
    _ queue: UnsafeMutablePointer<NDK_CQ>?, _ interval: ULONG, _ count: ULONG
) -> NTSTATUS {
    status { () throws(StatusError) in
        try unsafe ObjectHandle.with(queue, NdkObjectTypeCq) { (object: CompletionQueueObject) throws(StatusError) in
            do throws(AdapterError) {
                try unsafe object.queue.pointee.moderate(
                    count: count == .max ? nil : Int(count), interval: interval == .max ? nil : .microseconds(interval))
            } catch {
                throw StatusError(error)
            }
            return .success
        }
    }
}
