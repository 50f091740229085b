/// A send that invalidates a token of the peer, which then needs no request of its own for it.
///
/// It completes as a send here. At the peer, the receive tells the token, which is dead before the result is there.
extension QueuePair {
    /// Sends a message and invalidates a token of the peer: `NdkSendAndInvalidate`.
    ///
    /// - Parameters:
    ///   - elements: the message.
    ///   - remoteKey: the token of a window, or of a fast registration, that the peer has bound on this connection.
    ///   - context: given back with the completion.
    ///   - flags: how it is carried out.
    /// - Throws: ``PostError``, as any send.
    /// - Warning: A token that is not bound at the peer ends the connection, and brings a peer on rxe down (T1). Name one
    ///   that the peer has told, once, and only where it is known to expect that.
    public mutating func sendAndInvalidate(
        _ elements: Span<ScatterGatherElement>, remoteKey: UInt32, context: UInt64 = 0, flags: RequestFlags = []
    ) throws(PostError) {
        try sends.post(
            SendPath.Request(operation: .send, context: context, flags: flags, invalidatedKey: remoteKey), elements)
    }

    /// The same with a message from one mapping.
    public mutating func sendAndInvalidate(
        _ mapping: borrowing LogicalAddressMapping, _ bytes: Range<Int>, remoteKey: UInt32, context: UInt64 = 0,
        flags: RequestFlags = []
    ) throws(PostError) {
        guard mapping.adapter === core.adapter else { throw sends.refuse(.unknownAddress(element: 0)) }
        let element: InlineArray<1, ScatterGatherElement> = [mapping.element(bytes)]
        try sendAndInvalidate(element.span, remoteKey: remoteKey, context: context, flags: flags)
    }

    /// The same with a message that is copied during the call.
    public mutating func sendAndInvalidate(
        inline bytes: RawSpan, remoteKey: UInt32, context: UInt64 = 0, flags: RequestFlags = []
    ) throws(PostError) {
        try sends.post(
            SendPath.Request(operation: .send, context: context, flags: flags, invalidatedKey: remoteKey),
            inline: bytes)
    }
}
