import ArgumentParser
import FileService

/// `lam demo`: the whole of it on one machine.
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Move a file between two processes over an RDMA device, and prove that nothing stays pinned.",
        discussion: """
            Starts `lam serve` as a second process, puts the file there and gets it back. Every chunk moves through a \
            mapping of its own, which is released while its request is under way: the library keeps the memory pinned \
            until the device is done with it. Then both copies are compared with the file, and what the kernel says about \
            pinned memory (VmPin) and memory regions (`rdma resource show`) with what it said before.

            Examples:
              lam demo
              lam demo /var/tmp/image.raw
              lam demo --device mlx5_0

            The last line is `ok: B bytes, N mappings built, N released, 0 kB pinned`, or `failed:` and the reason.
            Exit status: 0 ok; 1 failed.
            """)

    @Argument(help: "The file to move. (default: some file of at least 16 MiB)")
    var file: String?

    @Option(help: ArgumentHelp("Use this device rather than the first active one.", valueName: "name"))
    var device: String?

    @OptionGroup var log: LogOptions

    func run() async throws {
        do {
            let result = try await Interruption.cancels { [file, device, log] in
                try await DemoRun(file: file, device: device, log: log).run()
            }
            result.lines.forEach(Terminal.show)
            guard result.failures.isEmpty else { throw ExitCode.failure }
        } catch let status as ExitCode {
            throw status
        } catch {
            Terminal.show("failed: \(error)")
            throw ExitCode.failure
        }
    }
}
