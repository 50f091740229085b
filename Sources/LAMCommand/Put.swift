import ArgumentParser
import FileService

/// `lam put`: a file to a server.
struct Put: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Store a file on a machine that runs `lam serve`.",
        discussion: """
            The server reads the file directly from this process's memory (RDMA read), through memory windows that are \
            open for one chunk each. On the server the file appears under its name when it is complete, its checksum is \
            right and it is on the disk; a file of that name is then replaced.

            Examples:
              lam put results.tar --to 192.0.2.1
              lam put results.tar --as runs/17.tar --to 192.0.2.1:7000

            Exit status: 0 the server has the file; 1 it has not; 64 the call makes no sense.
            """)

    @Argument(help: "The file.")
    var file: String

    @Option(help: ArgumentHelp("The server: an IP address, and a port behind a colon.", valueName: "address"))
    var to: PeerAddress

    @Option(
        name: .customLong("as"),
        help: ArgumentHelp(
            "The file's name in the served directory. (default: the last part of FILE)", valueName: "name"))
    var givenName: String?

    @OptionGroup var options: TransferOptions

    private var name: String { givenName ?? file.split(separator: "/").last.map(String.init) ?? "" }

    func validate() throws {
        guard (1...FileName.maxBytes).contains(name.utf8.count) else {
            throw ValidationError("a name has 1 to \(FileName.maxBytes) bytes; give one with --as")
        }
    }

    func run() async throws {
        // A file that cannot be read needs no connection.
        _ = try SourceFile(file)
        let transfer = StoreTransfer(path: file, name: name, isQuiet: options.quiet)
        let summary = try await Interruption.cancels { [to, options] in
            try await Client(to: to.socketAddress, device: options.device, options: options.log.adapterOptions)
                .run(transfer.run)
        }
        if !options.quiet { Terminal.show("put \(printable(name)): \(summary.text)") }
    }
}
