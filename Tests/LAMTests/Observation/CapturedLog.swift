import InMemoryLogging
import LAM
import Logging
import TestSupport
import Testing

/// What an adapter tells its logger.
struct CapturedLog {
    private let handler: InMemoryLogHandler

    /// Hears everything from `level` on.
    init(from level: Logger.Level = .trace) {
        var handler = InMemoryLogHandler()
        handler.logLevel = level
        self.handler = handler
    }

    /// A logger that writes here.
    var logger: Logger { Logger(label: "test", factory: { _ in handler }) }

    /// The options of an adapter that tells it.
    var options: AdapterOptions { AdapterOptions(logger: logger) }

    /// One thing that was told.
    struct Entry {
        let level: Logger.Level
        let message: String
        let metadata: [String: String]
    }

    /// Everything so far.
    var entries: [Entry] {
        handler.entries.map {
            Entry(level: $0.level, message: "\($0.message)", metadata: $0.metadata.mapValues { "\($0)" })
        }
    }

    /// The entries that begin so, once there are at least `count`.
    func entries(
        _ message: String, atLeast count: Int = 1, sourceLocation: SourceLocation = #_sourceLocation
    ) -> [Entry] {
        func found() -> [Entry] { entries.filter { $0.message.hasPrefix(message) } }
        let isThere = eventually { found().count >= count }
        #expect(
            isThere, "\(entries.map { "\($0.level): \($0.message) \($0.metadata)" })", sourceLocation: sourceLocation)
        return found()
    }
}
