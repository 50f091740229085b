package import CRDMA

/// How much a queue pair holds (`ibv_qp_cap`): asked for at creation, and what the device granted.
package struct QueuePairCapacity: Hashable, Sendable {
    /// Requests in the send queue.
    package var sendDepth: Int
    /// Requests in the receive queue.
    package var receiveDepth: Int
    /// Elements of a send request.
    package var sendElements: Int
    /// Elements of a receive request.
    package var receiveElements: Int
    /// Bytes that a send or a write can carry inline.
    package var inlineBytes: Int

    /// Composes a capacity.
    package init(
        sendDepth: Int, receiveDepth: Int, sendElements: Int = 1, receiveElements: Int = 1,
        inlineBytes: Int = 0
    ) {
        self.sendDepth = sendDepth
        self.receiveDepth = receiveDepth
        self.sendElements = sendElements
        self.receiveElements = receiveElements
        self.inlineBytes = inlineBytes
    }

    /// Takes a capacity from C.
    package init(_ raw: ibv_qp_cap) {
        sendDepth = Int(raw.max_send_wr)
        receiveDepth = Int(raw.max_recv_wr)
        sendElements = Int(raw.max_send_sge)
        receiveElements = Int(raw.max_recv_sge)
        inlineBytes = Int(raw.max_inline_data)
    }

    /// The capacity as C takes it.
    package var raw: ibv_qp_cap {
        ibv_qp_cap(
            max_send_wr: UInt32(clamping: sendDepth), max_recv_wr: UInt32(clamping: receiveDepth),
            max_send_sge: UInt32(clamping: sendElements),
            max_recv_sge: UInt32(clamping: receiveElements),
            max_inline_data: UInt32(clamping: inlineBytes))
    }
}
