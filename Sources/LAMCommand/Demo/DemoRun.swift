import FileService
import Foundation
import LAM

/// The demonstration itself.
struct DemoRun {
    private let device: String?
    private let requestedFile: String?
    private let log: LogOptions

    init(file: String?, device: String?, log: LogOptions) {
        requestedFile = file
        self.device = device
        self.log = log
    }

    /// Moves the file there and back, and looks at everything before, meanwhile and after.
    func run() async throws -> DemoResult {
        let folder = FileManager.default.temporaryDirectory.appending(path: "lam-demo-\(UUID())").path
        let served = folder + "/served"
        try FileManager.default.createDirectory(atPath: served, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }

        let file = try requestedFile.map { DemoFile($0) } ?? DemoFile(orIn: folder)
        let own = ProcessInfo.processInfo.processIdentifier
        var result = DemoResult(file: file.path, byteCount: try SourceFile(file.path).byteCount)
        result.client.pinnedBefore = KernelView.pinnedKilobytes(of: own)
        let name = try chooseDevice()
        result.regionsBefore = KernelView.memoryRegions(on: name)
        announce(file, device: name, result.byteCount)
        let server = try DemoServer(directory: served, device: name, log: log)
        let address = try server.waitUntilListening()
        let observer = DemoObserver(device: name, processes: [own, server.processIdentifier])
        let statistics = try await observer.watch {
            let put = StoreTransfer(path: file.path, name: "copy", isQuiet: false)
            let get = FetchTransfer(name: "copy", destination: folder + "/copy", isQuiet: false)
            return [
                try await move("put", to: address, name, put.run), try await move("get", to: address, name, get.run),
            ]
        }
        result.note(observer.seen)
        result.note(client: statistics, server: try server.stop())
        result.client.pinnedAfter = KernelView.pinnedKilobytes(of: own)
        result.server.pinnedAfter = KernelView.pinnedKilobytes(of: server.processIdentifier) ?? 0
        result.regionsAfter = KernelView.memoryRegions(on: name, settlingAt: result.regionsBefore)
        result.areEqual = [served + "/copy", folder + "/copy"].allSatisfy { copy in
            FileManager.default.contentsEqual(atPath: file.path, andPath: copy)
        }
        return result
    }

    /// The name of the device on which both ends will be.
    private func chooseDevice() throws -> String {
        let adapter = try Adapter.open(device.map { .device($0) } ?? .firstActive)
        defer { try? adapter.close(waiting: .seconds(1)) }
        return adapter.name
    }

    private func announce(_ file: DemoFile, device: String, _ byteCount: UInt64) {
        let reason = file.reason.map { " (\($0))" } ?? ""
        Terminal.show("moving \(file.path)\(reason), \(Quantity.bytes(byteCount)), over \(device), there and back")
    }

    private func move(
        _ verb: String, to address: SocketAddress, _ device: String,
        _ transfer: (inout Channel, Adapter) throws -> Client.Summary
    ) async throws -> AdapterStatistics {
        let client = try await Client(to: address, device: device, options: log.adapterOptions)
        let adapter = client.adapter
        let summary = try await client.run(transfer)
        Terminal.show("\(verb): \(summary.text)")
        return adapter.statistics
    }
}
