public import ArgumentParser
import LAM
public import Logging

/// Whether the library's log is shown.
struct LogOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Show the library's log on standard error, from this level on.", valueName: "level"))
    var logLevel: Logger.Level?

    /// The options of an adapter that tells as much.
    var adapterOptions: AdapterOptions {
        guard let logLevel else { return AdapterOptions() }
        var logger = Logger(label: "lam", factory: { _ in TerminalLogHandler() })
        logger.logLevel = logLevel
        return AdapterOptions(logger: logger)
    }

    /// What asks another `lam` for the same.
    var arguments: [String] { logLevel.map { ["--log-level", $0.rawValue] } ?? [] }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
