import CoreMetrics
import Logging
import Synchronization
import Verbs

/// Tells the program's logger and metrics backend what an adapter does.
///
/// Both are foreign code that may take its time. Therefore they are called on one thread of the observer's own, from an
/// inbox of bounded size: who has something to tell pays a lock and never waits, and what they are too slow for is left
/// out and counted.
final class Observer: Sendable {
    private let logger: Logger
    private let metricsFactory: (any MetricsFactory)?
    private let device: String
    private let inbox = Monitor(Inbox())
    private let thread = Monitor<WorkerThread?>(nil)
    private let told = Atomic<UInt8>(0)

    /// How often the metrics are brought up to date.
    private static let reportInterval = Duration.seconds(1)

    /// What is told once in the life of an adapter, however often it happens.
    enum Occasion: UInt8 {
        case closed
        case deferredRelease
        case violation
        case failedPoll
        case strayCompletion
    }

    /// Prepares to observe an adapter on a device; nil if nobody wants to know.
    init?(_ options: AdapterOptions, device: String) {
        let factory = options.metricsFactory ?? MetricsSystem.factory
        metricsFactory = factory is NOOPMetricsHandler ? nil : factory
        guard metricsFactory != nil || !(options.logger.handler is SwiftLogNoOpLogHandler) else { return nil }
        var logger = options.logger
        logger[metadataKey: "lam.device"] = "\(device)"
        self.logger = logger
        self.device = device
    }

    /// Starts to tell; what came before is told now.
    func begin(_ statistics: @escaping @Sendable () -> AdapterStatistics) throws(VerbError) {
        let metrics = metricsFactory.map { AdapterMetrics(of: device, by: $0, statistics) }
        let thread = try WorkerThread { [inbox, logger] in Self.serve(inbox, logger, metrics) }
        self.thread.withLock { $0 = thread }
    }

    deinit {
        inbox.withLock { $0.isStopping = true }
        inbox.signal()
        if let thread = thread.withLock({ $0 }) { thread.join() } else { Self.serve(inbox, logger, nil) }
    }

    // MARK: Telling

    /// Has the logger called, unless it does not want to hear of the level.
    func log(
        _ level: Logger.Level, _ message: Logger.Message, _ metadata: @autoclosure () -> Logger.Metadata = [:]
    ) {
        guard logger.logLevel <= level else { return }
        let event = Event(level: level, message: message, metadata: metadata())
        let isFirst = inbox.withLock { inbox in
            guard inbox.events.count < Inbox.eventRoom else {
                inbox.lostEventCount += 1
                return false
            }
            inbox.events.append(event)
            return inbox.events.count == 1
        }
        if isFirst { inbox.signal() }
    }

    /// Whether something happens for the first time.
    func isFirst(_ occasion: Occasion) -> Bool {
        let bit: UInt8 = 1 << occasion.rawValue
        // Who asks often only reads.
        guard told.load(ordering: .relaxed) & bit == 0 else { return false }
        return told.bitwiseOr(bit, ordering: .relaxed).oldValue & bit == 0
    }

    /// Notes how long memory stayed pinned that nothing used any more.
    func note(unpinnedAfter delay: Duration) {
        guard metricsFactory != nil else { return }
        let isHalfFull = inbox.withLock { inbox in
            guard inbox.delays.count < Inbox.delayRoom else { return false }
            inbox.delays.append(delay)
            return inbox.delays.count == Inbox.delayRoom / 2
        }
        if isHalfFull { inbox.signal() }
    }

    // MARK: The thread

    private struct Event {
        let level: Logger.Level
        let message: Logger.Message
        let metadata: Logger.Metadata
    }

    private struct Inbox {
        static let eventRoom = 1024
        static let delayRoom = 4096

        var events: [Event] = []
        var lostEventCount = 0
        var delays: [Duration] = []
        var isStopping = false

        var isUrgent: Bool { isStopping || !events.isEmpty || delays.count >= Self.delayRoom / 2 }

        mutating func takeAll() -> Inbox {
            let isStopping = isStopping
            let taken = self
            self = Inbox()
            self.isStopping = isStopping
            return taken
        }
    }

    private static func serve(_ inbox: Monitor<Inbox>, _ logger: Logger, _ metrics: AdapterMetrics?) {
        var metrics = metrics
        var nextReport = MonotonicTime.now.advanced(by: reportInterval)
        while true {
            let batch =
                inbox.wait(before: metrics == nil ? nil : nextReport) { $0.isUrgent ? $0.takeAll() : nil }
                ?? inbox.withLock { $0.takeAll() }
            tell(batch, to: logger)
            metrics?.record(batch.delays)
            if batch.isStopping || nextReport <= .now {
                metrics?.report()
                nextReport = .now.advanced(by: reportInterval)
            }
            if batch.isStopping { return }
        }
    }

    private static func tell(_ batch: Inbox, to logger: Logger) {
        for event in batch.events { logger.log(level: event.level, event.message, metadata: event.metadata) }
        guard batch.lostEventCount > 0 else { return }
        logger.warning("log events were lost", metadata: ["lam.count": "\(batch.lostEventCount)"])
    }
}
