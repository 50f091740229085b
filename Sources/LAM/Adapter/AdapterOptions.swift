/// What the user of an adapter may decide when it is opened.
public struct AdapterOptions: Hashable, Sendable {
    /// How many bytes mappings may pin at a time, in whole pages; nil for what the control group's memory limit allows.
    ///
    /// A build that would exceed it waits a moment for mappings that were released, and is then refused with
    /// ``MappingError/overBudget(_:)``. RLIMIT_MEMLOCK holds besides; ``HostLimits/pinHeadroom`` tells what it leaves.
    public var pinBudget: Int?

    /// The longest time that an idle mapping, once released, stays pinned while the machine has a processor to spare.
    ///
    /// A shorter one costs more wake-ups while released mappings are in use; none while nothing is released.
    public var unpinDeadline: Duration

    /// Decides.
    ///
    /// - Parameters:
    ///   - pinBudget: bytes, at least one page; nil for the control group's limit.
    ///   - unpinDeadline: at least a millisecond.
    public init(pinBudget: Int? = nil, unpinDeadline: Duration = .milliseconds(10)) {
        self.pinBudget = pinBudget
        self.unpinDeadline = unpinDeadline
    }
}
