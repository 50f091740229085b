public import CRDMA

/// What a send request with elements does (`ibv_wr_opcode`).
@usableFromInline package struct SendOperation: Sendable {
    @usableFromInline let raw: ibv_wr_opcode

    @inlinable init(_ raw: ibv_wr_opcode) {
        self.raw = raw
    }

    /// A message.
    @inlinable package static var send: Self { Self(IBV_WR_SEND) }
    /// A write to the peer's memory.
    @inlinable package static var write: Self { Self(IBV_WR_RDMA_WRITE) }
    /// A read of the peer's memory.
    @inlinable package static var read: Self { Self(IBV_WR_RDMA_READ) }
}
