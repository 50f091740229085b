public import LAM
public import ServiceLifecycle

/// An adapter as a service, which closes the adapter when its group shuts down.
///
/// ```swift
/// let group = ServiceGroup(
///     services: [AdapterService(adapter), BlockServer(adapter)], gracefulShutdownSignals: [.sigterm], logger: logger)
/// try await group.run()
/// ```
/// A group shuts its services down from the last to the first, each when the one behind it has ended. The services that
/// use the adapter therefore stand behind it. A server's loop ends with the shutdown when it is one over
/// `listener.cancelOnGracefulShutdown()`.
///
/// When it is its turn, the adapter takes no peers and creates nothing any more, waits for the requests that are under
/// way, unpins the mappings that were released, and closes.
public struct AdapterService: Service {
    private let adapter: Adapter
    private let patience: Duration?

    /// Makes a service of an adapter.
    ///
    /// - Parameters:
    ///   - adapter: the adapter, open.
    ///   - patience: how long the shutdown may wait for requests that are under way and for what is still used; nil
    ///     waits without end.
    public init(_ adapter: Adapter, patience: Duration? = .seconds(30)) {
        self.adapter = adapter
        self.patience = patience
    }

    /// Waits for the shutdown of the group, or for the cancellation of the task, and closes the adapter.
    ///
    /// - Throws: `AdapterError.survivors` where the time is over; it names what is left, and for a mapping the place
    ///   that built it.
    public func run() async throws {
        // A group that fails cancels its services. The adapter closes all the same.
        try? await gracefulShutdown()
        try await adapter.closed(waiting: patience)
    }
}
