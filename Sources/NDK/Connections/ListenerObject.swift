// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// The entry points are documented in ndkpi.h and ndk.h.

public import CNDK
import LAM

/// `NDK_LISTENER`.
final class ListenerObject: ProviderObject, @unchecked Sendable {
    typealias ConnectEvent = @Sendable (ConnectorObject) -> Void

    private let parent: AdapterObject
    private let connectEvent: ConnectEvent
    private let state = Monitor(State.idle)

    private enum State {
        case idle
        /// A call to listen is under way.
        case opening
        case listening(Listener)
        case closed
    }

    init(on adapter: AdapterObject, _ connectEvent: @escaping ConnectEvent) throws(StatusError) {
        parent = adapter
        self.connectEvent = connectEvent
        super.init(NdkObjectTypeListener, needs: try Antecedents([adapter]))
    }

    override var adapter: AdapterObject { parent }

    override func cancel() {
        let former = state.withLock { state in
            defer { state = .closed }
            return state
        }
        guard case .listening(let listener) = former else { return }
        hold()
        listener.close { self.release() }
    }

    /// What listens; nil before and afterwards.
    var listener: Listener? {
        state.withLock { if case .listening(let listener) = $0 { listener } else { nil } }
    }

    // MARK: Listening

    func listen(on address: SocketAddress, _ request: () throws(StatusError) -> Request) throws(StatusError) {
        let isFirst = state.withLock { state in
            guard case .idle = state else { return false }
            state = .opening
            return true
        }
        guard isFirst else { throw StatusError(.invalidDeviceRequest, "the listener listens already") }
        let begun = try request()
        adapter.lam.listen(on: address, backlog: Self.backlog) { result in
            do throws(ConnectionError) {
                self.opened(try result.get())
                begun.end()
            } catch {
                self.state.withLock { state in if case .opening = state { state = .idle } }
                begun.end(StatusError(error))
            }
        }
    }

    /// Requests that wait for a callback; a program gets each as soon as callbacks run.
    private static let backlog = 128

    private func opened(_ listener: Listener) {
        let isWanted = state.withLock { state in
            guard case .opening = state else { return false }
            state = .listening(listener)
            return true
        }
        // Otherwise it was closed meanwhile, and the end of the call lets the close go on.
        guard isWanted else { return }
        listener.forEachRequest { [weak self] connector in self?.deliver(connector) }
    }

    /// Tells the program of a request. One that comes when the listener is being closed is refused by dropping it.
    private func deliver(_ connector: Connector) {
        guard let object = try? ConnectorObject(connector, of: self) else { return }
        adapter.callbacks.run { [connectEvent] in connectEvent(object) }
    }
}

// MARK: Entry points

@c @implementation
public func ndk_adapter_create_listener(
    _ adapter: UnsafeMutablePointer<NDK_ADAPTER>?, _ event: NDK_FN_CONNECT_EVENT_CALLBACK?,
    _ eventContext: UnsafeMutableRawPointer?, _ completion: NDK_FN_CREATE_COMPLETION?,
    _ context: UnsafeMutableRawPointer?, _ result: UnsafeMutablePointer<UnsafeMutablePointer<NDK_LISTENER>?>?
) -> NTSTATUS {
    unsafe create(result) { () throws(StatusError) in
        guard let event = unsafe event else { throw StatusError(.invalidParameter, "ConnectEvent is NULL") }
        let eventContext = unsafe ProgramPointer(eventContext)
        return try unsafe ListenerObject(on: ObjectHandle.object(adapter, NdkObjectTypeAdapter)) {
            unsafe event(eventContext.value, $0.handle.pointer())
        }
    }
}

@c @implementation
public func ndk_listener_listen(
    _ listener: UnsafeMutablePointer<NDK_LISTENER>?, _ address: PSOCKADDR?, _ length: ULONG,
    _ completion: NDK_FN_REQUEST_COMPLETION?, _ context: UnsafeMutableRawPointer?
) -> NTSTATUS {
    status { () throws(StatusError) in
        guard unsafe completion != nil else { throw StatusError(.invalidParameter, "RequestCompletion is NULL") }
        let object: ListenerObject = try unsafe ObjectHandle.object(listener, NdkObjectTypeListener)
        let address = try unsafe SocketAddress(program: address, length: length)
        try object.listen(on: address) { () throws(StatusError) in
            try unsafe Request(on: object, completion, context)
        }
        return .pending
    }
}

@c @implementation
public func ndk_listener_get_local_address(
    _ listener: UnsafeMutablePointer<NDK_LISTENER>?, _ address: PSOCKADDR?, _ length: UnsafeMutablePointer<ULONG>?
) -> NTSTATUS {
    status { () throws(StatusError) in
        let object: ListenerObject = try unsafe ObjectHandle.object(listener, NdkObjectTypeListener)
        guard let listener = object.listener else {
            throw StatusError(.invalidDeviceState, "the listener does not listen yet")
        }
        try unsafe listener.address.write(to: address, length: length)
        return .success
    }
}

@c @implementation
public func ndk_listener_control_connect_events(_ listener: UnsafeMutablePointer<NDK_LISTENER>?, _ pause: BOOLEAN) {
    _ = status { () throws(StatusError) in
        let object: ListenerObject = try unsafe ObjectHandle.object(listener, NdkObjectTypeListener)
        object.listener?.control(pauses: pause != 0)
        return .success
    }
}
