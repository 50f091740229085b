import FileService
import LAM

/// One client of a server, from its first message to its end.
struct ServerSession {
    let service: FileServer

    /// What the client wanted, and what came of it.
    struct Record: Sendable {
        enum Direction: String, Sendable, Encodable {
            case get
            case put
        }

        var direction: Direction
        var name: String
        var byteCount: UInt64
    }

    /// Serves the client's request.
    ///
    /// Every reason why it cannot be served is told to the client. What a client says is not trusted: names, sizes and
    /// grants are checked before anything is done with them. What the client wants is in `record` as soon as it is
    /// known, also if the call throws.
    func run(_ channel: inout Channel, _ record: inout Record?) throws {
        do {
            let request = try channel.nextMessage(patience: ServerTransfer.patience)
            switch request {
            case .fetch(let name):
                record = Record(direction: .get, name: name, byteCount: 0)
                try fetch(name, &channel, &record)
            case .store(let name, let byteCount):
                record = Record(direction: .put, name: name, byteCount: byteCount)
                try store(name, byteCount, &channel)
            default: throw TransferFailure.unexpected(request)
            }
        } catch PostError.ended {
            throw channel.lastWord()
        } catch {
            channel.giveUp(because: error)
            throw error
        }
        try awaitEnd(&channel)
    }

    private func fetch(_ name: String, _ channel: inout Channel, _ record: inout Record?) throws {
        var file = OutgoingFile(try service.directory.openFile(FileName(name)))
        let terms = try TransferTerms.affordable()
        record?.byteCount = file.byteCount
        try channel.send(.accepted(byteCount: file.byteCount, terms))
        var transfer = ServerTransfer(byteCount: file.byteCount, terms: terms, on: service.adapter)
        try transfer.run(&channel, &file)
        try channel.send(file.verdict())
    }

    private func store(_ name: String, _ byteCount: UInt64, _ channel: inout Channel) throws {
        guard !service.isReadOnly else { throw FileServer.ReadOnly() }
        var file = IncomingFile(
            try service.directory.createFile(FileName(name), byteCount: byteCount), byteCount: byteCount)
        let terms = try TransferTerms.affordable()
        try channel.send(.accepted(byteCount: byteCount, terms))
        var transfer = ServerTransfer(byteCount: byteCount, terms: terms, on: service.adapter)
        try transfer.run(&channel, &file)
        let verdict = try channel.nextMessage(patience: ServerTransfer.patience)
        guard case .finished(let bytes, let checksum) = verdict else { throw TransferFailure.unexpected(verdict) }
        try file.commit(byteCount: bytes, checksum: checksum)
        try channel.send(.stored)
    }

    /// Waits until the client has seen the last message and disconnects, or complains.
    private func awaitEnd(_ channel: inout Channel) throws {
        do {
            throw TransferFailure.unexpected(try channel.nextMessage(patience: ServerTransfer.patience))
        } catch TransferFailure.disconnected {
            // As it should be.
        }
    }
}
