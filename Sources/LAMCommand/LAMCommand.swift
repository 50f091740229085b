import ArgumentParser
import Glibc

/// The command `lam`.
@main
struct LAMCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lam",
        abstract: "Look at RDMA devices, diagnose a machine, and move files through logical address mappings.",
        discussion: """
            A first look at a machine:
              lam doctor                                   can a mapping be built here? if not, what mends it?
              lam devices                                  which devices, ports and addresses are there?
              lam demo                                     move a file between two processes over the device

            A file from one machine to another:
              lam serve --directory /srv/data              on the one, whose address is 192.0.2.1
              lam get image.raw . --from 192.0.2.1         on the other
              lam put results.tar --to 192.0.2.1

            What mappings and requests cost on this machine:
              lam bench

            How fast it is, and what mapping costs:
              lam perf serve                               on the one
              lam perf run write --to 192.0.2.1            on the other

            Exit status: 0 done; 1 not done, and standard error says why; 64 the call makes no sense.
            """,
        subcommands: [Devices.self, Doctor.self, Serve.self, Get.self, Put.self, Demo.self, Perf.self, Bench.self])

    /// Runs the command that the arguments name, and exits.
    ///
    /// What goes wrong is one sentence that begins with `lam:`; mistakes in the arguments are ArgumentParser's to
    /// explain, together with the usage.
    static func main() async {
        // A reader that has enough (`lam devices | head -1`) must not kill a transfer silently.
        _ = signal(SIGPIPE, SIG_IGN)
        do {
            try await run(parseAsRoot())
        } catch let error where exitCode(for: error) == .failure && !(error is ExitCode) {
            Terminal.report("lam: \(error)")
            exit(withError: ExitCode.failure)
        } catch {
            exit(withError: error)
        }
    }

    private static func run(_ command: any ParsableCommand) async throws {
        if var command = command as? any AsyncParsableCommand {
            try await command.run()
        } else {
            var command = command
            try command.run()
        }
    }
}
