import FileService
import LAM

/// `lam put`, once connected: the server reads the file's chunks through windows from this process's memory.
struct StoreTransfer {
    let path: String
    let name: String
    let isQuiet: Bool

    /// Stores the file; returns when the server has all of it on its disk, under its name.
    func run(_ channel: inout Channel, _ adapter: Adapter) throws -> Client.Summary {
        let source = try SourceFile(path)
        let byteCount = source.byteCount
        let affordable = try TransferTerms.affordable()
        try channel.send(.store(name: name, byteCount: byteCount))
        let answer = try channel.nextMessage()
        guard case .accepted(byteCount, let offered) = answer else { throw TransferFailure.unexpected(answer) }
        var file = DepartingFile(
            source, progress: ProgressBar(name: name, totalBytes: byteCount, isQuiet: isQuiet))
        var transfer = try ClientTransfer(
            byteCount: byteCount, terms: offered.limited(to: affordable), access: .read, on: adapter)
        try transfer.run(&channel, &file)
        return try file.confirm(&channel)
    }
}

/// A file that departs chunk by chunk.
private struct DepartingFile: ~Copyable, ChunkHandler {
    private let source: SourceFile
    private var checksum = Checksum()
    private var progress: ProgressBar

    init(_ source: consuming SourceFile, progress: consuming ProgressBar) {
        self.source = source
        self.progress = progress
    }

    mutating func prepare(_ lane: Lane) throws {
        try lane.buffer.withMutableBytes { bytes in try source.read(into: &bytes, at: lane.chunk.offset) }
        lane.buffer.withBytes { bytes in checksum.append(bytes) }
    }

    mutating func finish(_ lane: Lane) {
        progress.advance(to: lane.chunk.offset + UInt64(lane.chunk.length))
    }

    /// Tells the server the checksum, and waits until it has the file.
    func confirm(_ channel: inout Channel) throws -> Client.Summary {
        try source.checkLength()
        try channel.send(.finished(byteCount: source.byteCount, checksum: checksum.value))
        let answer = try channel.nextMessage()
        guard answer == .stored else { throw TransferFailure.unexpected(answer) }
        return Client.Summary(byteCount: source.byteCount, checksum: checksum.value, elapsed: progress.elapsed)
    }
}
