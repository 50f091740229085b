import Glibc
import LAM

/// Two queue pairs of one adapter, connected to each other by hand.
struct Pair: ~Copyable, Sendable {
    let adapter: Adapter
    var near: End
    var far: End

    /// One of the two ends.
    struct End: ~Copyable, Sendable {
        var queuePair: QueuePair
        var completions: Completions

        init(
            of adapter: Adapter, _ capacity: QueuePairCapacity,
            notify: (@Sendable (CompletionQueueNotification) -> Void)? = nil
        ) throws {
            let completions = try Completions(of: adapter, notify: notify)
            queuePair = try adapter.createQueuePair(completions: completions.queue, capacity: capacity)
            self.completions = completions
        }

        init(queuePair: consuming QueuePair, completions: consuming Completions) {
            self.queuePair = queuePair
            self.completions = completions
        }

        /// Sends bytes that need no mapping.
        mutating func sendInline(_ bytes: [UInt8], context: UInt64 = 0, flags: RequestFlags = []) throws(PostError) {
            // A UInt8 has no padding.
            try queuePair.send(inline: unsafe bytes.span.bytes, context: context, flags: flags)
        }

        /// Ends the queue pair; its results can still be polled.
        consuming func closeQueuePair() -> Completions {
            queuePair.close()
            return completions
        }
    }

    static let capacity = QueuePairCapacity(sendDepth: 16, receiveDepth: 16, inlineBytes: 64)

    /// Opens an adapter, creates the queue pairs, and connects them unless told otherwise.
    init(
        _ capacity: QueuePairCapacity = Pair.capacity, options: ConnectionOptions = ConnectionOptions(),
        isConnected: Bool = true
    ) throws {
        try self.init(of: Self.openAdapter(), capacity, options: options, isConnected: isConnected)
    }

    /// The same on an adapter that is open; `notify` is the callback of both completion queues.
    init(
        of adapter: Adapter, _ capacity: QueuePairCapacity = Pair.capacity,
        options: ConnectionOptions = ConnectionOptions(), isConnected: Bool = true,
        notify: (@Sendable (CompletionQueueNotification) -> Void)? = nil
    ) throws {
        let near = try End(of: adapter, capacity, notify: notify)
        let far = try End(of: adapter, capacity, notify: notify)
        if isConnected { try Self.connect(near, far, options) }
        self.adapter = adapter
        self.near = near
        self.far = far
    }

    /// Connects the two ends.
    func connect(_ options: ConnectionOptions = ConnectionOptions()) throws {
        try Self.connect(near, far, options)
    }

    private static func connect(_ near: borrowing End, _ far: borrowing End, _ options: ConnectionOptions) throws {
        try near.queuePair.connect(to: far.queuePair.address, options: options)
        try far.queuePair.connect(to: near.queuePair.address, options: options)
    }

    /// The adapter of the device that the tests run on.
    static func openAdapter() throws -> Adapter {
        guard let name = unsafe getenv("LAM_DEVICE") else { return try Adapter.open() }
        return try Adapter.open(.device(unsafe String(cString: name)))
    }

    /// Ends both queue pairs; the adapter stays open.
    consuming func closeQueuePairs() {
        near.queuePair.close()
        far.queuePair.close()
    }

    /// Ends everything, and expects the adapter to be empty soon: what a test released must be unpinned by then.
    consuming func close() throws {
        let adapter = adapter
        closeQueuePairs()
        try adapter.close(waiting: .seconds(10))
    }
}
