import LAM

/// Mapped memory of the far end that is posted for messages.
struct Inbox: ~Copyable {
    let buffer: PageBuffer
    let mapping: LogicalAddressMapping

    init(of adapter: Adapter, count: Int = 4096) throws {
        let buffer = try PageBuffer(count: count)
        let mapping = try adapter.buildLam(over: buffer)
        self.buffer = buffer
        self.mapping = mapping
    }

    /// Ends the mapping; what is posted keeps its memory.
    consuming func close() {}
}

extension Pair {
    /// Has the far end post receives for so many messages.
    mutating func expectMessages(_ count: Int, in inbox: borrowing Inbox) throws {
        for context in 0..<UInt64(count) { try far.queuePair.receive(into: inbox.mapping, 0..<64, context: context) }
    }

    /// A mapping of fresh pages that the near end uses.
    func map(count: Int = 4096) throws -> LogicalAddressMapping { try adapter.buildLam(over: PageBuffer(count: count)) }
}
