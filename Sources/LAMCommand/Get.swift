import ArgumentParser
import FileService
import Glibc

/// `lam get`: a file from a server.
struct Get: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fetch a file from a machine that runs `lam serve`.",
        discussion: """
            The server writes the file directly into this process's memory (RDMA write), through memory windows that are \
            open for one chunk each. The file appears under its name when it is complete and its checksum is right; \
            until then there is nothing, whatever goes wrong.

            Examples:
              lam get image.raw . --from 192.0.2.1
              lam get logs/today.log /tmp/log --from 192.0.2.1:7000

            Exit status: 0 the file is there; 1 it is not; 64 the call makes no sense.
            """)

    @Argument(help: "The file's name in the served directory.")
    var name: String

    @Argument(help: "Where it goes: a file, which is replaced, or a directory.")
    var destination: String

    @Option(help: ArgumentHelp("The server: an IP address, and a port behind a colon.", valueName: "address"))
    var from: PeerAddress

    @OptionGroup var options: TransferOptions

    func validate() throws {
        guard (1...FileName.maxBytes).contains(name.utf8.count) else {
            throw ValidationError("a name has 1 to \(FileName.maxBytes) bytes")
        }
    }

    func run() async throws {
        let transfer = FetchTransfer(name: name, destination: path, isQuiet: options.quiet)
        let summary = try await Interruption.cancels { [from, options] in
            try await Client(to: from.socketAddress, device: options.device, options: options.log.adapterOptions)
                .run(transfer.run)
        }
        if !options.quiet { Terminal.show("got \(printable(name)): \(summary.text)") }
    }

    /// In a directory the file has the last part of its name.
    private var path: String {
        var status = stat()
        let isDirectory = unsafe stat(destination, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        guard isDirectory else { return destination }
        return destination + "/" + (name.split(separator: "/").last ?? "")
    }
}
