public import Synchronization

/// What can be posted. Each request completes once, with the context that it was posted with, unless its success is
/// silent. A request that throws was not posted.
///
/// The memory is named in one of two ways: by a mapping, which the compiler keeps from being released during the call,
/// or by elements, several of them if need be, whose logical addresses are looked up. Either way the memory stays
/// pinned until the device is done with the request, whatever happens to the mapping meanwhile.
extension QueuePair {
    // MARK: Send

    /// Sends a message: `NdkSend`.
    public mutating func send(
        _ elements: Span<ScatterGatherElement>, context: UInt64 = 0, flags: RequestFlags = []
    ) throws(PostError) {
        try sends.post(SendPath.Request(operation: .send, context: context, flags: flags), elements)
    }

    /// Sends a message from one mapping.
    @inlinable @inline(__always)
    public mutating func send(
        _ mapping: borrowing LogicalAddressMapping, _ bytes: Range<Int>, context: UInt64 = 0, flags: RequestFlags = []
    ) throws(PostError) {
        try sends.post(.send, mapping, bytes, context: context, flags: flags)
    }

    /// Sends a message whose bytes are copied during the call; they need no mapping.
    ///
    /// It is never deferred.
    /// - Throws: ``PostError/inlineTooLong(bytes:limit:)`` beyond ``QueuePairCapacity/inlineBytes``.
    public mutating func send(
        inline bytes: RawSpan, context: UInt64 = 0, flags: RequestFlags = []
    ) throws(PostError) {
        try sends.post(SendPath.Request(operation: .send, context: context, flags: flags), inline: bytes)
    }

    // MARK: Write

    /// Writes to a peer's memory: `NdkWrite`.
    public mutating func write(
        _ elements: Span<ScatterGatherElement>, to remote: RemoteMemory, context: UInt64 = 0, flags: RequestFlags = []
    ) throws(PostError) {
        try sends.post(
            SendPath.Request(operation: .write, context: context, flags: flags, remote: remote), elements)
    }

    /// Writes to a peer's memory from one mapping.
    @inlinable @inline(__always)
    public mutating func write(
        _ mapping: borrowing LogicalAddressMapping, _ bytes: Range<Int>, to remote: RemoteMemory, context: UInt64 = 0,
        flags: RequestFlags = []
    ) throws(PostError) {
        try sends.post(.write, mapping, bytes, remote, context: context, flags: flags)
    }

    /// Writes bytes that are copied during the call; they need no mapping.
    ///
    /// It is never deferred.
    /// - Throws: ``PostError/inlineTooLong(bytes:limit:)`` beyond ``QueuePairCapacity/inlineBytes``.
    public mutating func write(
        inline bytes: RawSpan, to remote: RemoteMemory, context: UInt64 = 0, flags: RequestFlags = []
    ) throws(PostError) {
        try sends.post(
            SendPath.Request(operation: .write, context: context, flags: flags, remote: remote), inline: bytes)
    }

    // MARK: Read

    /// Reads a peer's memory: `NdkRead`.
    ///
    /// - Throws: ``PostError/readsNotAllowed`` if the connection was made with an outbound read limit of 0.
    public mutating func read(
        into elements: Span<ScatterGatherElement>, from remote: RemoteMemory, context: UInt64 = 0,
        flags: RequestFlags = []
    ) throws(PostError) {
        try checkReads()
        try sends.post(
            SendPath.Request(operation: .read, context: context, flags: flags, remote: remote), elements)
    }

    /// Reads a peer's memory into one mapping.
    @inlinable @inline(__always)
    public mutating func read(
        into mapping: borrowing LogicalAddressMapping, _ bytes: Range<Int>, from remote: RemoteMemory,
        context: UInt64 = 0, flags: RequestFlags = []
    ) throws(PostError) {
        try checkReads()
        try sends.post(.read, mapping, bytes, remote, context: context, flags: flags)
    }

    /// On rxe a read that the connection does not allow would never complete (T57).
    @inlinable @inline(__always)
    mutating func checkReads() throws(PostError) {
        if core.outboundReads.load(ordering: .relaxed) == 0 { try refuseRead() }
    }

    @usableFromInline @inline(never)
    mutating func refuseRead() throws(PostError) {
        // Before it is connected there is another reason.
        if core.isConnected { throw sends.refuse(.readsNotAllowed) }
    }

    // MARK: Receive

    /// Posts memory for a message of the peer: `NdkReceive`. Allowed before the queue pair is connected.
    public mutating func receive(
        into elements: Span<ScatterGatherElement>, context: UInt64 = 0
    ) throws(PostError) {
        try receives.post(elements, context: context)
    }

    /// Posts one mapping for a message of the peer.
    @inlinable @inline(__always)
    public mutating func receive(
        into mapping: borrowing LogicalAddressMapping, _ bytes: Range<Int>, context: UInt64 = 0
    ) throws(PostError) {
        try receives.post(mapping, bytes, context: context)
    }
}
