package import Logging

/// Shows a log on standard error, a line for each event, below or above whatever progress is shown there.
package struct TerminalLogHandler: LogHandler {
    package var metadata = Logger.Metadata()
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel = Logger.Level.info

    package init() {}

    package func log(event: LogEvent) {
        var metadata = metadata.merging(metadataProvider?.get() ?? [:]) { _, new in new }
        metadata.merge(event.metadata ?? [:]) { _, new in new }
        Terminal.reportBesideProgress(Self.line(event.level, event.message, metadata))
    }

    package subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// `lam: warning: what happened (key value, key value)`.
    package static func line(_ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata) -> String {
        let facts = metadata.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return "lam: \(level): \(message)" + (facts.isEmpty ? "" : " (\(facts.joined(separator: ", ")))")
    }
}
