// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// The entry points are documented in ndkpi.h and ndk.h.

public import CNDK
import LAM

// MARK: Creating

@c @implementation
public func ndk_adapter_create_connector(
    _ adapter: UnsafeMutablePointer<NDK_ADAPTER>?, _ completion: NDK_FN_CREATE_COMPLETION?,
    _ context: UnsafeMutableRawPointer?, _ result: UnsafeMutablePointer<UnsafeMutablePointer<NDK_CONNECTOR>?>?
) -> NTSTATUS {
    unsafe create(result) { () throws(StatusError) in
        try unsafe ConnectorObject(on: ObjectHandle.object(adapter, NdkObjectTypeAdapter))
    }
}

/// Begins a call on a connector that pends.
private func begin(
    _ connector: UnsafeMutablePointer<NDK_CONNECTOR>?, _ completion: NDK_FN_REQUEST_COMPLETION?,
    _ context: UnsafeMutableRawPointer?,
    _ body: (ConnectorObject, () throws(StatusError) -> Connector.Completion) throws(StatusError) -> Void
) -> NTSTATUS {
    status { () throws(StatusError) in
        guard unsafe completion != nil else { throw StatusError(.invalidParameter, "RequestCompletion is NULL") }
        let object: ConnectorObject = try unsafe ObjectHandle.object(connector, NdkObjectTypeConnector)
        try body(object) { () throws(StatusError) in
            object.completion(try unsafe Request(on: object, completion, context))
        }
        return .pending
    }
}

// MARK: Active

@c @implementation
public func ndk_connector_connect(
    _ connector: UnsafeMutablePointer<NDK_CONNECTOR>?, _ queuePair: UnsafeMutablePointer<NDK_QP>?,
    _ source: PSOCKADDR?, _ sourceLength: ULONG, _ destination: PSOCKADDR?, _ destinationLength: ULONG,
    _ inboundReads: ULONG, _ outboundReads: ULONG, _ bytes: UnsafeMutableRawPointer?, _ length: ULONG,
    _ completion: NDK_FN_REQUEST_COMPLETION?, _ context: UnsafeMutableRawPointer?
) -> NTSTATUS {
    unsafe begin(connector, completion, context) { (object, completion) throws(StatusError) in
        let queuePair: QueuePairObject = try unsafe ObjectHandle.object(queuePair, NdkObjectTypeQp)
        let destination = try unsafe SocketAddress(program: destination, length: destinationLength)
        let source = try unsafe source.map { source throws(StatusError) in
            try unsafe SocketAddress(program: source, length: sourceLength)
        }
        let data = try unsafe privateData(bytes, length, atMost: Connector.maxRequestData)
        try object.adopt(queuePair)
        try unsafe object.connector.connect(
            queuePair.queuePair.pointee, to: destination, from: source, privateData: data,
            options: ConnectionOptions(inboundReads: inboundReads, outboundReads: outboundReads),
            timeLimit: PeerPatience.answer, then: completion())
    }
}

@c @implementation
public func ndk_connector_connect_with_shared_endpoint(
    _ connector: UnsafeMutablePointer<NDK_CONNECTOR>?, _ queuePair: UnsafeMutablePointer<NDK_QP>?,
    _ endpoint: UnsafeMutablePointer<NDK_SHARED_ENDPOINT>?, _ destination: PSOCKADDR?, _ destinationLength: ULONG,
    _ inboundReads: ULONG, _ outboundReads: ULONG, _ bytes: UnsafeMutableRawPointer?, _ length: ULONG,
    _ completion: NDK_FN_REQUEST_COMPLETION?, _ context: UnsafeMutableRawPointer?
) -> NTSTATUS {
    unsafe begin(connector, completion, context) { (object, completion) throws(StatusError) in
        let queuePair: QueuePairObject = try unsafe ObjectHandle.object(queuePair, NdkObjectTypeQp)
        let endpoint: SharedEndpointObject = try unsafe ObjectHandle.object(endpoint, NdkObjectTypeSharedEndpoint)
        guard endpoint.adapter === object.adapter else {
            throw StatusError(.invalidParameter, "the shared endpoint is of another adapter")
        }
        let destination = try unsafe SocketAddress(program: destination, length: destinationLength)
        let data = try unsafe privateData(bytes, length, atMost: Connector.maxRequestData)
        try object.adopt(queuePair)
        try object.require(endpoint)
        try unsafe object.connector.connect(
            queuePair.queuePair.pointee, to: destination, through: endpoint.endpoint, privateData: data,
            options: ConnectionOptions(inboundReads: inboundReads, outboundReads: outboundReads),
            timeLimit: PeerPatience.answer, then: completion())
    }
}

@c @implementation
public func ndk_connector_complete_connect(
    _ connector: UnsafeMutablePointer<NDK_CONNECTOR>?, _ event: NDK_FN_DISCONNECT_EVENT_CALLBACK?,
    _ eventContext: UnsafeMutableRawPointer?, _ completion: NDK_FN_REQUEST_COMPLETION?,
    _ context: UnsafeMutableRawPointer?
) -> NTSTATUS {
    let callback = unsafe disconnectCallback(event, eventContext)
    return unsafe completeConnect(connector, callback, completion, context)
}

@c @implementation
public func ndk_connector_complete_connect_ex(
    _ connector: UnsafeMutablePointer<NDK_CONNECTOR>?, _ event: NDK_FN_DISCONNECT_EVENT_CALLBACK_EX?,
    _ eventContext: UnsafeMutableRawPointer?, _ completion: NDK_FN_REQUEST_COMPLETION?,
    _ context: UnsafeMutableRawPointer?
) -> NTSTATUS {
    let callback = unsafe disconnectCallback(event, eventContext)
    return unsafe completeConnect(connector, callback, completion, context)
}

private func completeConnect(
    _ connector: UnsafeMutablePointer<NDK_CONNECTOR>?, _ event: (@Sendable (ULONG) -> Void)?,
    _ completion: NDK_FN_REQUEST_COMPLETION?, _ context: UnsafeMutableRawPointer?
) -> NTSTATUS {
    unsafe begin(connector, completion, context) { (object, completion) throws(StatusError) in
        object.connector.completeConnect(onDisconnect: object.disconnectEvent(event), then: try completion())
    }
}

// MARK: Passive

@c @implementation
public func ndk_connector_accept(
    _ connector: UnsafeMutablePointer<NDK_CONNECTOR>?, _ queuePair: UnsafeMutablePointer<NDK_QP>?,
    _ inboundReads: ULONG, _ outboundReads: ULONG, _ bytes: UnsafeMutableRawPointer?, _ length: ULONG,
    _ event: NDK_FN_DISCONNECT_EVENT_CALLBACK?, _ eventContext: UnsafeMutableRawPointer?,
    _ completion: NDK_FN_REQUEST_COMPLETION?, _ context: UnsafeMutableRawPointer?
) -> NTSTATUS {
    let callback = unsafe disconnectCallback(event, eventContext)
    return unsafe accept(
        connector, queuePair, inboundReads, outboundReads, bytes, length, callback, completion, context)
}

@c @implementation
public func ndk_connector_accept_ex(
    _ connector: UnsafeMutablePointer<NDK_CONNECTOR>?, _ queuePair: UnsafeMutablePointer<NDK_QP>?,
    _ inboundReads: ULONG, _ outboundReads: ULONG, _ bytes: UnsafeMutableRawPointer?, _ length: ULONG,
    _ event: NDK_FN_DISCONNECT_EVENT_CALLBACK_EX?, _ eventContext: UnsafeMutableRawPointer?,
    _ completion: NDK_FN_REQUEST_COMPLETION?, _ context: UnsafeMutableRawPointer?
) -> NTSTATUS {
    let callback = unsafe disconnectCallback(event, eventContext)
    return unsafe accept(
        connector, queuePair, inboundReads, outboundReads, bytes, length, callback, completion, context)
}

private func accept(
    _ connector: UnsafeMutablePointer<NDK_CONNECTOR>?, _ queuePair: UnsafeMutablePointer<NDK_QP>?,
    _ inboundReads: ULONG, _ outboundReads: ULONG, _ bytes: UnsafeMutableRawPointer?, _ length: ULONG,
    _ event: (@Sendable (ULONG) -> Void)?, _ completion: NDK_FN_REQUEST_COMPLETION?,
    _ context: UnsafeMutableRawPointer?
) -> NTSTATUS {
    unsafe begin(connector, completion, context) { (object, completion) throws(StatusError) in
        let queuePair: QueuePairObject = try unsafe ObjectHandle.object(queuePair, NdkObjectTypeQp)
        let data = try unsafe privateData(bytes, length, atMost: Connector.maxAnswerData)
        try object.adopt(queuePair)
        try unsafe object.connector.accept(
            queuePair.queuePair.pointee, privateData: data,
            options: ConnectionOptions(inboundReads: inboundReads, outboundReads: outboundReads),
            timeLimit: PeerPatience.answer, onDisconnect: object.disconnectEvent(event), then: completion())
    }
}

private func disconnectCallback(
    _ event: NDK_FN_DISCONNECT_EVENT_CALLBACK?, _ context: UnsafeMutableRawPointer?
) -> (@Sendable (ULONG) -> Void)? {
    guard let event = unsafe event else { return nil }
    let context = unsafe ProgramPointer(context)
    return { _ in unsafe event(context.value) }
}

private func disconnectCallback(
    _ event: NDK_FN_DISCONNECT_EVENT_CALLBACK_EX?, _ context: UnsafeMutableRawPointer?
) -> (@Sendable (ULONG) -> Void)? {
    guard let event = unsafe event else { return nil }
    let context = unsafe ProgramPointer(context)
    return { unsafe event(context.value, $0) }
}

// MARK: Either

@c @implementation
public func ndk_connector_reject(
    _ connector: UnsafeMutablePointer<NDK_CONNECTOR>?, _ bytes: UnsafeMutableRawPointer?, _ length: ULONG
) -> NTSTATUS {
    status { () throws(StatusError) in
        let object: ConnectorObject = try unsafe ObjectHandle.object(connector, NdkObjectTypeConnector)
        let data = try unsafe privateData(bytes, length, atMost: Connector.maxAnswerData)
        do throws(ConnectionError) { try object.connector.refuse(privateData: data) } catch {
            throw StatusError(error)
        }
        return .success
    }
}

@c @implementation
public func ndk_connector_disconnect(
    _ connector: UnsafeMutablePointer<NDK_CONNECTOR>?, _ completion: NDK_FN_REQUEST_COMPLETION?,
    _ context: UnsafeMutableRawPointer?
) -> NTSTATUS {
    unsafe begin(connector, completion, context) { (object, completion) throws(StatusError) in
        object.connector.disconnect(timeLimit: PeerPatience.confirmation, then: try completion())
    }
}
