import FileService
import LAM
import Synchronization

/// What all clients of a server share.
final class FileServer: Sendable {
    let directory: ServedDirectory
    let adapter: Adapter
    let isReadOnly: Bool
    private let maxClients: Int
    private let log: ServerLog
    private let clients = Atomic<Int>(0)

    /// The server was told to take no files.
    struct ReadOnly: Error, CustomStringConvertible {
        let description = "the server takes no files (it runs with --read-only)"
    }

    init(
        directory: consuming ServedDirectory, adapter: Adapter, isReadOnly: Bool, maxClients: Int, log: ServerLog
    ) {
        self.directory = directory
        self.adapter = adapter
        self.isReadOnly = isReadOnly
        self.maxClients = maxClients
        self.log = log
    }

    /// Serves clients, each on a thread of its own, until the task is cancelled; returns when the last one is gone.
    func run(_ listener: Listener) async {
        await withDiscardingTaskGroup { group in
            for await connector in listener {
                group.addTask(executorPreference: SessionThread()) { await self.serve(connector) }
            }
            // Those that are still being served end as well, because the task is cancelled.
            group.cancelAll()
        }
        await listener.close()
    }

    /// Serves one client, whatever it does and however it ends.
    private func serve(_ connector: Connector) async {
        defer { clients.subtract(1, ordering: .relaxed) }
        let count = clients.add(1, ordering: .relaxed).newValue
        let client = connector.peerAddress.map { "\($0)" } ?? "a client"
        if let objection = objection(to: connector, clientCount: count) {
            log.failed(client: client, nil, reason: "refused: \(objection)")
            try? await connector.reject(privateData: Greeting.refusal(objection))
            return
        }
        let begin = ContinuousClock.now
        var record: ServerSession.Record?
        do {
            try await serve(connector, &record)
            if let record { log.moved(client: client, record, elapsed: begin.duration(to: .now)) }
        } catch {
            log.failed(client: client, record, reason: "\(error)")
        }
    }

    private func serve(_ connector: Connector, _ record: inout ServerSession.Record?) async throws {
        var channel = try Channel(on: adapter)
        try await connector.accept(channel.queuePair)
        try ServerSession(service: self).run(&channel, &record)
    }

    private func objection(to connector: Connector, clientCount: Int) -> String? {
        if let objection = Greeting.objection(to: connector.connectionData?.privateData ?? []) { return objection }
        return clientCount > maxClients ? "\(maxClients) clients are being served; try again later" : nil
    }
}
