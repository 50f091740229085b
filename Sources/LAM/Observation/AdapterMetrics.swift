import CoreMetrics

/// The metrics of one adapter, and what the backend knows of them.
///
/// Everything is told as a difference, so that adapters of one device add up.
struct AdapterMetrics: Sendable {
    private typealias Figure = KeyPath<AdapterStatistics, Int> & Sendable

    private let counters: [(counter: Counter, figure: any Figure)]
    private let meters: [(meter: Meter, figure: any Figure)]
    private let unpinning: Timer
    private let statistics: @Sendable () -> AdapterStatistics
    private var known = Counters().snapshot(pinnedBytes: 0)

    private static let counted: [(label: String, figure: any Figure)] = [
        ("lam.builds", \.builds),
        ("lam.releases", \.releases),
        ("lam.releases.deferred", \.deferredReleases),
        ("lam.deregistrations.refused", \.refusedDeregistrations),
        ("lam.destructions.refused", \.refusedDestructions),
        ("lam.violations", \.violations),
        ("lam.polls.failed", \.failedPolls),
        ("lam.completions.stray", \.strayCompletions),
        ("lam.objects.abandoned", \.abandonedObjects),
    ]

    private static let metered: [(label: String, figure: any Figure)] = [
        ("lam.mappings.live", \.liveMappings),
        ("lam.mappings.releasing", \.pendingReleases),
        ("lam.pinned.bytes", \.pinnedBytes),
    ]

    init(of device: String, by factory: any MetricsFactory, _ statistics: @escaping @Sendable () -> AdapterStatistics) {
        let dimensions = [("device", device)]
        counters = Self.counted.map { (Counter(label: $0.label, dimensions: dimensions, factory: factory), $0.figure) }
        meters = Self.metered.map { (Meter(label: $0.label, dimensions: dimensions, factory: factory), $0.figure) }
        unpinning = Timer(label: "lam.unpin.duration", dimensions: dimensions, factory: factory)
        self.statistics = statistics
    }

    /// Brings the backend up to date.
    mutating func report() {
        let now = statistics()
        for (counter, figure) in counters where now[keyPath: figure] > known[keyPath: figure] {
            counter.increment(by: now[keyPath: figure] - known[keyPath: figure])
        }
        for (meter, figure) in meters {
            let change = now[keyPath: figure] - known[keyPath: figure]
            if change > 0 { meter.increment(by: Double(change)) }
            if change < 0 { meter.decrement(by: Double(-change)) }
        }
        known = now
    }

    /// Tells how long memory stayed pinned that nothing used any more.
    func record(_ delays: [Duration]) {
        for delay in delays { unpinning.recordNanoseconds(Int64(delay / .nanoseconds(1))) }
    }
}
