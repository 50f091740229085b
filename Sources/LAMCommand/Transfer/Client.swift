import FileService
import LAM

/// A client that is connected to a server.
struct Client: ~Copyable {
    let adapter: Adapter
    private let connector: Connector
    private var channel: Channel

    /// What a transfer came to, for people.
    struct Summary {
        let byteCount: UInt64
        let checksum: UInt32
        let elapsed: Duration

        var text: String {
            // How fast a few bytes were says nothing.
            let rate = byteCount < 1 << 20 ? "" : "\(Quantity.rate(byteCount, in: elapsed)), "
            let time = Quantity.time(elapsed)
            return "\(Quantity.bytes(byteCount)) in \(time), \(rate)checksum \(hexadecimal(checksum))"
        }
    }

    /// Connects, through the device that leads to the server if no other one is asked for.
    init(to server: SocketAddress, device: String?, options: AdapterOptions) async throws {
        do {
            self = try await Self.connect(to: server, through: device.map { .device($0) } ?? .firstActive, options)
        } catch ConnectionError.otherDevice(_, let name, let port) where device == nil {
            self = try await Self.connect(to: server, through: .device(name, port: port), options)
        }
    }

    private init(adapter: Adapter, connector: Connector, channel: consuming Channel) {
        self.adapter = adapter
        self.connector = connector
        self.channel = channel
    }

    private static func connect(
        to server: SocketAddress, through selector: AdapterSelector, _ options: AdapterOptions
    ) async throws -> Client {
        let adapter = try Adapter.open(selector, options: options)
        let channel = try Channel(on: adapter)
        do {
            let connector = try await adapter.connect(
                channel.queuePair, to: server, privateData: Greeting.request)
            return Client(adapter: adapter, connector: connector, channel: channel)
        } catch ConnectionError.refused(let address, .peer, let privateData) {
            throw TransferFailure.refused(address, Greeting.reason(in: privateData))
        } catch ConnectionError.refused(let address, .noListener, _) {
            throw TransferFailure.noServer(address)
        }
    }

    /// Runs a transfer, disconnects, and makes sure that nothing stays pinned.
    consuming func run(_ transfer: (inout Channel, Adapter) throws -> Summary) async throws -> Summary {
        let result = attempt(transfer)
        // A server that is gone does not confirm, and the connection ends all the same.
        try? await connector.disconnect(timeLimit: .seconds(2))
        let adapter = adapter
        end()
        let summary = try result.get()
        try adapter.close(waiting: .seconds(5))
        return summary
    }

    private mutating func attempt(
        _ transfer: (inout Channel, Adapter) throws -> Summary
    ) -> Result<Summary, any Error> {
        do {
            return .success(try transfer(&channel, adapter))
        } catch PostError.ended {
            return .failure(channel.lastWord())
        } catch {
            channel.giveUp(because: error)
            return .failure(error)
        }
    }

    /// Drops the connection and its memory.
    private consuming func end() {}
}
