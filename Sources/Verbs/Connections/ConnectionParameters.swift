internal import CRDMA

/// What each end of a connection tells the other (`rdma_conn_param`).
package struct ConnectionParameters: Hashable, Sendable {
    /// The number of this end's queue pair.
    package var queuePairNumber: UInt32
    /// How many reads of the peer this end serves at once; above the limit of the device is
    /// `EINVAL`.
    package var inboundReads: UInt8
    /// How many reads this end wants to have under way; above the limit of the device is `EINVAL`.
    package var outboundReads: UInt8
    /// How often to retry without an acknowledgement (0 to 7). 7 is for ever on rxe. Ignored when
    /// accepting.
    package var retries: UInt8
    /// How often to retry when the peer has no receive (0 to 7); 7 is for ever.
    package var receiverNotReadyRetries: UInt8
    /// Bytes for the peer's program: at most 56 in a request and 196 in an acceptance.
    package var privateData: [UInt8]

    /// Composes parameters.
    package init(
        queuePairNumber: UInt32, inboundReads: UInt8, outboundReads: UInt8, retries: UInt8 = 6,
        receiverNotReadyRetries: UInt8 = 6, privateData: [UInt8] = []
    ) {
        self.queuePairNumber = queuePairNumber
        self.inboundReads = inboundReads
        self.outboundReads = outboundReads
        self.retries = retries
        self.receiverNotReadyRetries = receiverNotReadyRetries
        self.privateData = privateData
    }

    /// Calls with the parameters as C takes them, valid during the call.
    func withRaw(_ body: (UnsafeMutablePointer<rdma_conn_param>) -> CInt) -> CInt {
        unsafe privateData.withUnsafeBytes { data in
            // Longer than a byte can say is longer than any connection takes.
            guard let length = UInt8(exactly: data.count) else { return EINVAL }
            var raw = unsafe rdma_conn_param()
            unsafe raw.qp_num = queuePairNumber
            unsafe raw.responder_resources = inboundReads
            unsafe raw.initiator_depth = outboundReads
            unsafe raw.retry_count = retries
            unsafe raw.rnr_retry_count = receiverNotReadyRetries
            unsafe raw.private_data = data.baseAddress
            unsafe raw.private_data_len = length
            return unsafe body(&raw)
        }
    }
}
