extension DeviceDescription {
    /// How much of everything a device can have, as it claims (`ibv_query_device`).
    public struct Limits: Hashable, Sendable {
        /// Bytes of one mapping.
        public let registrationBytes: UInt64
        /// Mappings at a time.
        public let registrations: Int
        /// Memory windows at a time.
        public let windows: Int
        /// Queue pairs at a time.
        public let queuePairs: Int
        /// Requests in a send or receive queue.
        public let queueDepth: Int
        /// Elements of a request.
        public let elements: Int
        /// Completion queues at a time.
        public let completionQueues: Int
        /// Results in a completion queue.
        public let completionQueueDepth: Int
        /// Reads of a peer that a queue pair answers at a time.
        public let inboundReads: Int
        /// Reads that a queue pair has under way at a time.
        public let outboundReads: Int

        /// Lists limits.
        package init(
            registrationBytes: UInt64, registrations: Int, windows: Int, queuePairs: Int, queueDepth: Int,
            elements: Int, completionQueues: Int, completionQueueDepth: Int, inboundReads: Int, outboundReads: Int
        ) {
            self.registrationBytes = registrationBytes
            self.registrations = registrations
            self.windows = windows
            self.queuePairs = queuePairs
            self.queueDepth = queueDepth
            self.elements = elements
            self.completionQueues = completionQueues
            self.completionQueueDepth = completionQueueDepth
            self.inboundReads = inboundReads
            self.outboundReads = outboundReads
        }
    }
}
