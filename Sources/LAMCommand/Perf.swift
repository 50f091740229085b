import ArgumentParser
import LAM
import Synchronization

/// `lam perf`: how fast requests are.
struct Perf: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure bandwidth and latency between two processes or machines.",
        discussion: """
            One end waits, the other measures. What it costs to map the memory of every message, instead of once, is the \
            difference between --mappings once, fresh, cached and arena.

            Examples:
              lam perf serve                                        on the one machine, whose address is 192.0.2.1
              lam perf run write --to 192.0.2.1                     bandwidth, on the other
              lam perf run send --latency --size 64 --to 192.0.2.1
              lam perf run write --mappings once,fresh,cached,arena --size 4096,65536,1048576 --to 192.0.2.1

            Exit status: 0 measured; 1 it broke off; 64 the call makes no sense.
            """,
        subcommands: [PerfServe.self, PerfRun.self])
}

/// `lam perf serve`: the end that waits.
struct PerfServe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Wait for clients that measure, one after the other, until Ctrl-C.",
        discussion: """
            A client may read and write memory that is for nothing else.

            Examples:
              lam perf serve
              lam perf serve --address 192.0.2.1 --port 7400 --once

            Exit status: 0 ended; 1 it could not serve; 64 the call makes no sense.
            """)

    @Option(
        help: ArgumentHelp("Serve at this address. (default: that of the first active port)", valueName: "address"))
    var address: LocalAddress?

    @Option(help: ArgumentHelp("Serve at this port; 0 has one chosen.", valueName: "number"))
    var port: UInt16 = PeerAddress.usualPort

    @Option(help: ArgumentHelp("Serve at the address of this device.", valueName: "name"))
    var device: String?

    @Flag(help: "End after the first client.")
    var once = false

    func validate() throws {
        guard device == nil || address == nil else {
            throw ValidationError("--device and --address exclude each other")
        }
    }

    func run() async throws {
        let adapter = try Adapter.open(
            address.map { .localAddress($0.address) } ?? device.map { .device($0) } ?? .firstActive)
        let listener = try await adapter.listen(on: SocketAddress(adapter.info.address, port: port))
        Terminal.show("waiting at \(listener.address) on \(adapter.name)")
        let server = PerfServer(adapter) { Terminal.show($0) }
        try await Interruption.cancels { [once] in await server.run(listener, once: once) }
        try adapter.close(waiting: .seconds(5))
    }
}

/// `lam perf run`: the end that measures.
struct PerfRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Measure against `lam perf serve`.",
        discussion: """
            Bandwidth is that of --count messages of --size bytes, --depth of them outstanding; a message counts when it \
            has arrived. Latency is the time of one message: half of the way there and back for write and send, which the \
            other end answers, and all of it for read. Some messages go ahead unmeasured.

            --size, --depth and --mappings take several values, separated by commas: then all of them are measured with \
            each other, in turn, and printed as a table, in which the first of the mappings is what the others are \
            compared with. Mappings other than "once" are built for each message and released as soon as it is posted.

            Examples:
              lam perf run write --to 192.0.2.1
              lam perf run read --latency --count 100000 --to 192.0.2.1
              lam perf run write --size 4096,65536 --depth 1,16,64 --mappings once,fresh,cached,arena --to 192.0.2.1
              lam perf run send --size 1048576 --depth 8 --mappings arena --json --to 192.0.2.1

            Exit status: 0 measured; 1 it broke off; 64 the call makes no sense.
            """)

    @Argument(help: "What moves the bytes: write, read or send.")
    var operation: PerfTerms.Operation

    @Option(help: ArgumentHelp("The server: an IP address, and a port behind a colon.", valueName: "address"))
    var to: PeerAddress

    @Flag(help: "Measure how long a message takes, rather than how many bytes a second move.")
    var latency = false

    @Option(help: ArgumentHelp("Bytes of a message.", valueName: "bytes,…"))
    var size = ValueList([4096])

    @Option(
        help: ArgumentHelp("Messages outstanding at a time. (default: 64; one for a latency)", valueName: "number,…"))
    var depth: ValueList<Int>?

    @Option(help: ArgumentHelp("Messages to measure.", valueName: "number"))
    var count = 1000

    @Option(
        help: ArgumentHelp(
            "Map the memory once, or for each message: fresh, cached or arena.", valueName: "once|fresh|cached|arena,…")
    )
    var mappings = ValueList([MappingSource.once])

    @Option(help: ArgumentHelp("Use this device rather than the one that leads to the server.", valueName: "name"))
    var device: String?

    @Flag(help: "Write the result as JSON.")
    var json = false

    func validate() throws {
        guard size.values.allSatisfy(PerfTerms.sizes.contains) else {
            throw ValidationError("--size must be 1 to \(1 << 30)")
        }
        guard depths.allSatisfy(PerfTerms.depths.contains) else { throw ValidationError("--depth must be 1 to 4096") }
        guard PerfTerms.counts.contains(count) else { throw ValidationError("--count must be 1 to 100000000") }
        guard !latency || depth == nil else {
            throw ValidationError("a latency is that of one message at a time: leave out --depth")
        }
        guard !latency || mappings.values == [.once] else {
            throw ValidationError("--mappings is for bandwidth; a latency is measured with one mapping")
        }
    }

    private var depths: [Int] { depth?.values ?? [latency ? 1 : 64] }

    private var sweep: PerfSweep {
        let terms = size.values.flatMap { size in
            depths.map { depth in
                PerfTerms(
                    operation: operation, figure: latency ? .latency : .bandwidth, size: size, depth: depth,
                    count: count)
            }
        }
        return PerfSweep(server: to.socketAddress, device: device, terms: terms, sources: mappings.values)
    }

    func run() async throws {
        let sweep = sweep
        let results = Mutex<[PerfResult]>([])
        // What was measured before it broke off is not lost.
        let outcome: Result<Void, any Error>
        do {
            try await Interruption.cancels {
                try await sweep.run(begin: Self.announce(sweep.count)) { result in
                    results.withLock { $0.append(result) }
                }
            }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        try show(results.withLock { $0 }, isSweep: sweep.count > 1)
        try outcome.get()
    }

    /// Tells a person who watches what is measured, where it is one of several things.
    private static func announce(_ count: Int) -> @Sendable (Int, PerfTerms, MappingSource) -> Void {
        { number, terms, source in
            guard count > 1, Terminal.isWatched else { return }
            Terminal.reportBesideProgress("\(number) of \(count): \(terms), mappings \(source.rawValue)")
        }
    }

    private func show(_ results: [PerfResult], isSweep: Bool) throws {
        if json {
            guard isSweep || !results.isEmpty else { return }
            Terminal.show(try results.json(isList: isSweep))
        } else if isSweep {
            PerfTable(results).lines.forEach(Terminal.show)
        } else {
            results.first?.lines.forEach(Terminal.show)
        }
    }
}

extension PerfTerms.Operation: ExpressibleByArgument {
    init?(argument: String) {
        guard let known = Self.allCases.first(where: { "\($0)" == argument }) else { return nil }
        self = known
    }
}

extension MappingSource: ExpressibleByArgument {}
