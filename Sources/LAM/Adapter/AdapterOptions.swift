public import CoreMetrics
public import Logging

/// What the user of an adapter may decide when it is opened.
public struct AdapterOptions: Sendable {
    /// How many bytes mappings may pin at a time, in whole pages; nil for what the control group's memory limit allows.
    ///
    /// A build that would exceed it waits a moment for mappings that were released, and is then refused with
    /// ``MappingError/overBudget(_:)``. RLIMIT_MEMLOCK holds besides; ``HostLimits/pinHeadroom`` tells what it leaves.
    public var pinBudget: Int?

    /// The longest time that an idle mapping, once released, stays pinned while the machine has a processor to spare.
    ///
    /// A shorter one costs more wake-ups while released mappings are in use; none while nothing is released.
    public var unpinDeadline: Duration

    /// Where the adapter tells what it does (<doc:Observing>); silent unless one is given.
    public var logger: Logger

    /// Who makes the adapter's metrics (<doc:Observing>); nil for the one that the program was bootstrapped with when the adapter is
    /// opened.
    public var metricsFactory: (any MetricsFactory)?

    /// Decides.
    ///
    /// - Parameters:
    ///   - pinBudget: bytes, at least one page; nil for the control group's limit.
    ///   - unpinDeadline: at least a millisecond.
    ///   - logger: is called on a thread of the adapter's, which nothing else waits for.
    ///   - metricsFactory: the same; nil for the program's.
    public init(
        pinBudget: Int? = nil, unpinDeadline: Duration = .milliseconds(10),
        logger: Logger = Logger(label: "lam", factory: { _ in SwiftLogNoOpLogHandler() }),
        metricsFactory: (any MetricsFactory)? = nil
    ) {
        self.pinBudget = pinBudget
        self.unpinDeadline = unpinDeadline
        self.logger = logger
        self.metricsFactory = metricsFactory
    }
}
