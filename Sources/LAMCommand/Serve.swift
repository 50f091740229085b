import ArgumentParser
import FileService
import LAM

/// `lam serve`: a directory for other machines.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let other machines get files from a directory and put files into it.",
        discussion: """
            Serves any number of clients, each with a connection of its own, until Ctrl-C or SIGTERM. Files move by RDMA, \
            through memory that the clients open for one chunk at a time; this machine's memory is never open to anybody.

            There is no access control: whoever can reach the address can read every regular file in the directory, and \
            replace it unless --read-only is given. Clients cannot leave the directory, neither by `..` nor by symbolic \
            links, which are not followed.

            Examples:
              lam serve --directory /srv/data
              lam serve --directory . --read-only --address 192.0.2.1 --port 7000
              lam serve --directory . --json              one JSON object for each event

            Exit status: 0 ended by a signal, everything released; 1 it could not serve; 64 the call makes no sense.
            """)

    @Option(name: .shortAndLong, help: ArgumentHelp("The directory.", valueName: "path"))
    var directory: String

    @Option(
        help: ArgumentHelp(
            "Serve at this address. (default: that of the first active port)", valueName: "address"))
    var address: LocalAddress?

    @Option(help: ArgumentHelp("Serve at this port; 0 has one chosen.", valueName: "number"))
    var port: UInt16 = PeerAddress.usualPort

    @Option(help: ArgumentHelp("Serve at the address of this device.", valueName: "name"))
    var device: String?

    @Option(help: ArgumentHelp("Serve at most so many clients at a time; others are refused.", valueName: "number"))
    var clients = 16

    @Flag(help: "Let nobody put files.")
    var readOnly = false

    @Flag(help: "Report each event as a line of JSON.")
    var json = false

    @OptionGroup var logOptions: LogOptions

    /// Whoever started the server holds the other end of its standard input: it ends with them, whatever kills them.
    @Flag(help: .hidden)
    var untilInputEnds = false

    func validate() throws {
        guard clients > 0 else { throw ValidationError("--clients must be at least 1") }
        guard device == nil || address == nil else {
            throw ValidationError("--device and --address exclude each other")
        }
    }

    func run() async throws {
        let directory = try ServedDirectory(directory)
        let log = ServerLog(isJSON: json)
        let adapter = try Adapter.open(selector, options: logOptions.adapterOptions)
        let server = FileServer(
            directory: directory, adapter: adapter, isReadOnly: readOnly, maxClients: clients, log: log)
        if untilInputEnds { Interruption.raiseWhenInputEnds() }
        let listener = try await adapter.listen(on: SocketAddress(adapter.info.address, port: port))
        try await Interruption.cancels { [self] in
            log.listening(on: listener.address, device: adapter.name, directory: self.directory)
            await server.run(listener)
        }
        try adapter.close(waiting: .seconds(5))
        log.stopped(adapter.statistics)
    }

    private var selector: AdapterSelector {
        if let address { return .localAddress(address.address) }
        return device.map { .device($0) } ?? .firstActive
    }
}
