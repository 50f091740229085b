import ArgumentParser

/// What `lam get` and `lam put` have in common.
struct TransferOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Use this device rather than the one that leads to the server.", valueName: "name"))
    var device: String?

    @Flag(name: .shortAndLong, help: "Show neither progress nor a summary.")
    var quiet = false

    @OptionGroup var log: LogOptions
}
