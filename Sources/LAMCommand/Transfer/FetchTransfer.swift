import FileService
import LAM

/// `lam get`, once connected: the server writes the file's chunks through windows into this process's memory.
struct FetchTransfer {
    let name: String
    let destination: String
    let isQuiet: Bool

    /// Fetches the file; under its final name there is all of it or nothing.
    func run(_ channel: inout Channel, _ adapter: Adapter) throws -> Client.Summary {
        let affordable = try TransferTerms.affordable()
        try channel.send(.fetch(name: name))
        let answer = try channel.nextMessage()
        guard case .accepted(let byteCount, let offered) = answer else { throw TransferFailure.unexpected(answer) }
        var file = ArrivingFile(
            try PartialFile(destination, byteCount: byteCount),
            progress: ProgressBar(name: name, totalBytes: byteCount, isQuiet: isQuiet))
        var transfer = try ClientTransfer(
            byteCount: byteCount, terms: offered.limited(to: affordable), access: .write, on: adapter)
        try transfer.run(&channel, &file)
        let verdict = try transfer.serverVerdict(&channel)
        return try file.commit(verdict, byteCount: byteCount)
    }
}

/// A file that arrives chunk by chunk.
private struct ArrivingFile: ~Copyable, ChunkHandler {
    private let file: PartialFile
    private var checksum = Checksum()
    private var progress: ProgressBar

    init(_ file: consuming PartialFile, progress: consuming ProgressBar) {
        self.file = file
        self.progress = progress
    }

    /// The server fills the memory.
    func prepare(_ lane: Lane) {}

    mutating func finish(_ lane: Lane) throws {
        try lane.buffer.withBytes { bytes in
            checksum.append(bytes)
            try file.write(bytes, at: lane.chunk.offset)
        }
        progress.advance(to: lane.chunk.offset + UInt64(lane.chunk.length))
    }

    /// Gives the file its name if it is what the server sent.
    consuming func commit(_ verdict: ClientTransfer.Verdict, byteCount: UInt64) throws -> Client.Summary {
        guard verdict.checksum == checksum.value, verdict.byteCount == byteCount else {
            throw TransferFailure.checksum(expected: verdict.checksum, found: checksum.value)
        }
        let summary = Client.Summary(byteCount: byteCount, checksum: checksum.value, elapsed: progress.elapsed)
        try file.commit()
        return summary
    }
}
