import ArgumentParser

/// `lam doctor`: can a mapping be built here, and if not, what mends it?
struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find out whether mappings can be built on this machine, and what to do if not.",
        discussion: """
            Looks at devices, ports, rights, limits and settings, and then builds a mapping of one page and releases it. \
            Each finding says what it means; below a warning or a problem stands the command that mends it.

            Examples:
              lam doctor
              lam doctor --device mlx5_1
              sudo -u www-data lam doctor      what may another user do?

            Exit status: 0 a mapping was built and released; 1 it could not be.
            """)

    @Option(help: ArgumentHelp("Try this device rather than the first active one.", valueName: "name"))
    var device: String?

    func run() throws {
        let facts = MachineFacts.read(device: device)
        let diagnosis = Diagnosis(facts)
        diagnosis.lines.forEach(Terminal.show)
        guard diagnosis.canBuild else { throw ExitCode.failure }
    }
}
