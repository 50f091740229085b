import LAM
import Synchronization

/// The other end of measurements: serves one client at a time, so that clients do not measure each other.
final class PerfServer: Sendable {
    private let adapter: Adapter
    private let isBusy = Atomic<Bool>(false)
    private let report: @Sendable (String) -> Void

    /// Serves on an adapter; `report` gets a line for each client that was served.
    init(_ adapter: Adapter, report: @escaping @Sendable (String) -> Void) {
        self.adapter = adapter
        self.report = report
    }

    /// Serves clients until the task is cancelled, or after the first one.
    func run(_ listener: Listener, once: Bool) async {
        await withDiscardingTaskGroup { group in
            for await connector in listener {
                guard let terms = PerfTerms(connector.connectionData?.privateData ?? []),
                    !isBusy.exchange(true, ordering: .acquiring)
                else {
                    try? await connector.reject()
                    continue
                }
                group.addTask(executorPreference: SessionThread()) {
                    await self.serve(connector, terms)
                    self.isBusy.store(false, ordering: .releasing)
                    if once { await listener.close() }
                }
            }
            group.cancelAll()
        }
        await listener.close()
    }

    private func serve(_ connector: Connector, _ terms: PerfTerms) async {
        let client = connector.peerAddress.map { "\($0)" } ?? "a client"
        do {
            var end = try PerfEnd(on: adapter, terms)
            try await connector.accept(end.queuePair)
            try end.meet()
            try end.serve()
            report("\(client): \(terms)")
            _ = await connector.waitForDisconnect()
        } catch {
            report("\(client): \(terms): \(error)")
        }
    }
}

/// A client that is connected to a server.
struct PerfClient: ~Copyable {
    private let adapter: Adapter
    private let connector: Connector
    private var end: PerfEnd

    /// Connects, through the device that leads to the server if no other one is asked for.
    init(to server: SocketAddress, device: String?, _ terms: PerfTerms) async throws {
        do {
            self = try await Self.connect(to: server, through: device.map { .device($0) } ?? .firstActive, terms)
        } catch ConnectionError.otherDevice(_, let name, let port) where device == nil {
            self = try await Self.connect(to: server, through: .device(name, port: port), terms)
        }
    }

    private init(adapter: Adapter, connector: Connector, end: consuming PerfEnd) {
        self.adapter = adapter
        self.connector = connector
        self.end = end
    }

    private static func connect(
        to server: SocketAddress, through selector: AdapterSelector, _ terms: PerfTerms
    ) async throws -> PerfClient {
        let adapter = try Adapter.open(selector)
        let end = try PerfEnd(on: adapter, terms)
        do {
            let connector = try await adapter.connect(end.queuePair, to: server, privateData: terms.bytes)
            return PerfClient(adapter: adapter, connector: connector, end: end)
        } catch ConnectionError.refused(let address, .peer, _) {
            throw PerfEnd.Failure.refused(address)
        }
    }

    /// Measures, disconnects, and makes sure that nothing stays pinned.
    consuming func run(_ source: MappingSource) async throws -> PerfResult {
        let result = measure(source)
        try? await connector.disconnect(timeLimit: .seconds(2))
        let adapter = adapter
        finish()
        let measured = try result.get()
        try adapter.close(waiting: .seconds(5))
        return measured
    }

    private mutating func measure(_ source: MappingSource) -> Result<PerfResult, any Error> {
        Result {
            try end.meet()
            let before = adapter.statistics.builds
            var result = PerfResult(terms: end.terms, source: source, device: adapter.info)
            switch end.terms.figure {
            case .bandwidth: result.elapsed = try end.moveAll(source)
            case .latency: result.times = try end.timeAll()
            }
            result.mappingsBuilt = adapter.statistics.builds - before
            if !end.terms.isPingPong, end.terms.operation != .send { try end.say([]) }
            return result
        }
    }

    /// Drops the connection and its memory.
    private consuming func finish() {}
}
