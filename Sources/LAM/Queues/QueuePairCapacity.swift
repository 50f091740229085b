/// How much a queue pair can have outstanding, and how large its requests are: the parameters of `NdkCreateQp`.
public struct QueuePairCapacity: Hashable, Sendable {
    /// Sends, writes, reads, binds and invalidates that may be posted and not completed.
    public var sendDepth: Int
    /// Receives that may be posted and not completed.
    public var receiveDepth: Int
    /// Elements of a send, a write or a read.
    public var sendElements: Int
    /// Elements of a receive.
    public var receiveElements: Int
    /// Bytes of an inline request.
    public var inlineBytes: Int

    /// Creates a capacity; the defaults suit a connection that moves blocks.
    public init(
        sendDepth: Int = 128, receiveDepth: Int = 128, sendElements: Int = 4, receiveElements: Int = 4,
        inlineBytes: Int = 0
    ) {
        self.sendDepth = sendDepth
        self.receiveDepth = receiveDepth
        self.sendElements = sendElements
        self.receiveElements = receiveElements
        self.inlineBytes = inlineBytes
    }
}
