internal import CRDMA

/// A connection or a listener of the connection manager (`rdma_cm_id`), without a queue pair
/// attached.
///
/// Left to itself, librdmacm would take the queue pair through its states and answer the peer on
/// its own; so the queue pair stays outside, and only its number travels. Ends as every owner of
/// this module does: see `close()`.
@safe
package final class ConnectionIdentifier: Sendable {
    /// What events call it.
    package let identity: ConnectionIdentity
    /// Where its events arrive.
    package let channel: EventChannel
    // Written once, here; librdmacm identifiers may be used by any thread.
    private nonisolated(unsafe) let raw: UnsafeMutablePointer<rdma_cm_id>
    private let lifetime = Lifetime()

    /// Creates an identifier for reliable connections (`rdma_create_id`).
    package init(on channel: EventChannel) throws(VerbError) {
        let identity = ConnectionIdentity.next()
        var raw: UnsafeMutablePointer<rdma_cm_id>?
        let code = unsafe channel.verbs.connections.createIdentifier(
            channel.raw, UnsafeMutableRawPointer(bitPattern: identity.number), RDMA_PS_TCP, &raw)
        try check(.createIdentifier, code)
        unsafe self.raw = unsafe created(raw, by: .createIdentifier)
        self.identity = identity
        self.channel = channel
    }

    /// Takes over what a connect request brought. It inherited its listener's context and gets one
    /// of its own.
    init(adopting raw: UnsafeMutablePointer<rdma_cm_id>, on channel: EventChannel) {
        let identity = ConnectionIdentity.next()
        unsafe raw.pointee.context = UnsafeMutableRawPointer(bitPattern: identity.number)
        unsafe self.raw = unsafe raw
        self.identity = identity
        self.channel = channel
    }

    deinit {
        let verbs = channel.verbs
        lifetime.end(.destroyIdentifier, verbs) { unsafe verbs.connections.destroyIdentifier(raw) }
    }

    /// Destroys the identifier (`rdma_destroy_id`).
    ///
    /// A peer that is connected hears of a disconnection, one that waits for an answer of a
    /// refusal; a listener's port is free at once.
    /// - Throws: What the verb answered. The identifier is still there then, and `close()` can be
    ///   called again; after a success it does nothing. Dropping the last reference closes too.
    package func close() throws(VerbError) {
        try lifetime.close(.destroyIdentifier) {
            unsafe channel.verbs.connections.destroyIdentifier(raw)
        }
    }

    /// The name of the device that the addresses lead to; `nil` before that is known.
    package var deviceName: String? {
        // The context of an identifier lives as long as librdmacm itself.
        guard let context = unsafe raw.pointee.verbs, let device = unsafe context.pointee.device
        else { return nil }
        return unsafe String(nullTerminated: device.pointee.name)
    }

    /// The device's port; 0 before it is known.
    package var port: UInt8 { unsafe raw.pointee.port_num }

    /// The address of this side (`rdma_get_local_addr`); `nil` before it is known.
    package var localAddress: SocketAddress? { unsafe SocketAddress(rdma_get_local_addr(raw)) }

    /// The address of the peer (`rdma_get_peer_addr`); `nil` before it is known.
    package var peerAddress: SocketAddress? { unsafe SocketAddress(rdma_get_peer_addr(raw)) }
}

extension ConnectionIdentifier {
    /// Lets several identifiers have one local address (`RDMA_OPTION_ID_REUSEADDR`); before `bind`.
    package func reuseAddress() throws(VerbError) {
        var value: CInt = 1
        let code = unsafe channel.verbs.connections.setOption(
            raw, CInt(RDMA_OPTION_ID), CInt(RDMA_OPTION_ID_REUSEADDR), &value,
            MemoryLayout<CInt>.size)
        try check(.setOption, code)
    }

    /// How long either side waits for an acknowledgement (`RDMA_OPTION_ID_ACK_TIMEOUT`); before `resolveRoute`.
    ///
    /// The number is in the coding of `QueuePairAttributes.acknowledgementTimeout`.
    package func setAcknowledgementTimeout(_ timeout: UInt8) throws(VerbError) {
        var value = timeout
        let code = unsafe channel.verbs.connections.setOption(
            raw, CInt(RDMA_OPTION_ID), CInt(RDMA_OPTION_ID_ACK_TIMEOUT), &value, MemoryLayout<UInt8>.size)
        try check(.setOption, code)
    }

    /// Takes a local address (`rdma_bind_addr`).
    ///
    /// - Throws: `EADDRINUSE` when it is taken, `EADDRNOTAVAIL` when it is not on an RDMA device,
    ///   `EACCES` for a port that needs privileges.
    package func bind(to address: SocketAddress) throws(VerbError) {
        try check(
            .bindAddress,
            unsafe address.withPointer { pointer in
                unsafe channel.verbs.connections.bind(raw, pointer)
            })
    }

    /// Finds the device that leads to a peer (`rdma_resolve_addr`); the event says when.
    ///
    /// - Parameters:
    ///   - destination: The peer.
    ///   - source: The local address, when it matters.
    ///   - timeoutMilliseconds: How long it may take.
    /// - Throws: `ENODEV` or `ENETUNREACH` when no RDMA device leads there.
    package func resolveAddress(
        _ destination: SocketAddress, from source: SocketAddress? = nil, timeoutMilliseconds: Int
    ) throws(VerbError) {
        let verbs = channel.verbs.connections
        let timeout = CInt(clamping: timeoutMilliseconds)
        let code = unsafe destination.withPointer { destination in
            guard let source else {
                return unsafe verbs.resolveAddress(raw, nil, destination, timeout)
            }
            return unsafe source.withPointer { source in
                unsafe verbs.resolveAddress(raw, source, destination, timeout)
            }
        }
        try check(.resolveAddress, code)
    }

    /// Finds the route to the resolved address (`rdma_resolve_route`); the event says when.
    package func resolveRoute(timeoutMilliseconds: Int) throws(VerbError) {
        let timeout = CInt(clamping: timeoutMilliseconds)
        try check(.resolveRoute, unsafe channel.verbs.connections.resolveRoute(raw, timeout))
    }

    /// Listens on the bound address (`rdma_listen`).
    ///
    /// - Parameter backlog: How many requests may wait; 0 is the most that the system allows.
    /// - Throws: `EADDRINUSE` when another listener has the address.
    package func listen(backlog: Int) throws(VerbError) {
        try check(.listen, unsafe channel.verbs.connections.listen(raw, CInt(clamping: backlog)))
    }

    /// Asks the peer for a connection (`rdma_connect`), after its route is resolved; the event says
    /// how it answered.
    ///
    /// - Throws: `EINVAL` for more private data or reads than the transport or the device takes.
    package func connect(_ parameters: ConnectionParameters) throws(VerbError) {
        try check(
            .connect,
            unsafe parameters.withRaw { parameters in
                unsafe channel.verbs.connections.connect(raw, parameters)
            })
    }

    /// Accepts the peer's request (`rdma_accept`); the queue pair must be ready to send before. The
    /// event says when the peer has completed the connection.
    ///
    /// - Throws: `EINVAL` also when the peer has given up.
    package func accept(_ parameters: ConnectionParameters) throws(VerbError) {
        try check(
            .accept,
            unsafe parameters.withRaw { parameters in
                unsafe channel.verbs.connections.accept(raw, parameters)
            })
    }

    /// Refuses the peer's request, or its acceptance (`rdma_reject`).
    ///
    /// - Parameter privateData: At most 148 bytes for the peer's program.
    /// - Throws: `EINVAL` for more, or when there is nothing to refuse.
    package func reject(privateData: [UInt8] = []) throws(VerbError) {
        let code = unsafe privateData.withUnsafeBytes { data in
            // Longer than a byte can say is longer than any connection takes.
            guard let length = UInt8(exactly: data.count) else { return EINVAL }
            return unsafe channel.verbs.connections.reject(raw, data.baseAddress, length)
        }
        try check(.reject, code)
    }

    /// Completes a connection that the peer has accepted (`rdma_establish`); the queue pair must be
    /// ready to send before.
    package func establish() throws(VerbError) {
        try check(.establish, unsafe channel.verbs.connections.establish(raw))
    }

    /// Ends the connection, or answers the peer that ended it (`rdma_disconnect`). The queue pair
    /// stays as it is.
    package func disconnect() throws(VerbError) {
        try check(.disconnect, unsafe channel.verbs.connections.disconnect(raw))
    }

    /// Derives from the connection what a queue pair needs to enter a state (`rdma_init_qp_attr`).
    ///
    /// Overwrite what the connection manager chooses badly: the limits of reads are not yet those
    /// agreed, and `receiverNotReadyTimer` is 0, which is 655 ms.
    /// - Parameter state: `initialized`, `readyToReceive` or `readyToSend`.
    /// - Returns: The step to that state.
    /// - Throws: `EINVAL` also when the peer has given up.
    package func attributes(
        entering state: QueuePairState
    ) throws(VerbError) -> QueuePairAttributes {
        var attributes = ibv_qp_attr()
        attributes.qp_state = state.raw
        var mask: CInt = 0
        let code = unsafe channel.verbs.connections.initializeAttributes(raw, &attributes, &mask)
        try check(.initializeAttributes, code)
        return QueuePairAttributes(attributes, mask: mask)
    }
}
