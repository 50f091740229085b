import LAM

/// Two queue pairs of one adapter that are connected to each other, and two of plain C.
final class BenchLoop {
    static let blockBytes = 4096
    private static let blocks = 16

    let plain: PlainQueue
    private let plainPeer: PlainQueue
    private let target: MemoryRegion
    private let remote: RemoteMemory
    private let landing: LogicalAddressMapping
    private let source: LogicalAddressMapping
    private var near: QueuePair
    private var far: QueuePair
    private var completions: CompletionQueue
    private var farCompletions: CompletionQueue
    private var batch = CompletionBatch(capacity: 64)

    init(_ device: BenchDevice) throws {
        let adapter = device.adapter
        plain = try PlainQueue(on: adapter.name)
        plainPeer = try PlainQueue(on: adapter.name)
        try plain.connect(to: plainPeer, at: adapter.info)
        completions = try adapter.createCompletionQueue(depth: 256)
        farCompletions = try adapter.createCompletionQueue(depth: 256)
        near = try adapter.createQueuePair(completions: completions)
        far = try adapter.createQueuePair(completions: farCompletions)
        try near.connect(to: far.address)
        try far.connect(to: near.address)
        let bytes = Self.blocks * Self.blockBytes
        landing = try adapter.buildLam(over: PageBuffer(count: bytes))
        source = try adapter.buildLam(over: PageBuffer(count: bytes))
        var target = try adapter.createMemoryRegion(.registered)
        try target.register(over: PageBuffer(count: bytes), access: [.remoteRead, .remoteWrite])
        remote = target.remoteMemory!
        self.target = target
    }

    // MARK: Requests

    /// Posts writes, of which every `interval`-th is signaled and polled.
    func write(_ count: Int, interval: Int) throws {
        for index in 1...count {
            let isSilent = !index.isMultiple(of: interval)
            try near.write(source, Self.block(index), to: remote, flags: isSilent ? .silentSuccess : [])
            if !isSilent { try pollOne() }
        }
    }

    func read(_ count: Int) throws {
        for index in 0..<count {
            try near.read(into: source, Self.block(index), from: remote)
            try pollOne()
        }
    }

    /// Sends messages, with a receive for each.
    func exchange(_ count: Int) throws {
        for index in 0..<count {
            try far.receive(into: landing, Self.block(index))
            try near.send(source, Self.block(index))
            try pollOne()
            while farCompletions.poll(into: &batch) == 0 {}
            try check()
        }
    }

    /// Sends one message from a mapping, and polls for nothing but what earlier ones left.
    func send(_ mapping: borrowing LogicalAddressMapping) throws {
        try far.receive(into: landing, Self.block(0))
        try near.send(mapping, Self.block(0))
    }

    /// Waits until a message that was sent has arrived.
    func finish() throws {
        try pollOne()
        while farCompletions.poll(into: &batch) == 0 {}
        try check()
    }

    /// Posts writes that name one of some mappings after the other; every 16th is signaled and polled.
    func write(_ count: Int, among elements: [ScatterGatherElement]) throws {
        for index in 1...count {
            let element: InlineArray<1, ScatterGatherElement> = [elements[index % elements.count]]
            let isSilent = !index.isMultiple(of: 16)
            try near.write(element.span, to: remote, flags: isSilent ? .silentSuccess : [])
            if !isSilent { try pollOne() }
        }
    }

    // MARK: Windows

    func bind(_ window: borrowing MemoryWindow, over mapping: borrowing LogicalAddressMapping) throws {
        _ = try near.bind(window, over: mapping, 0..<mapping.length, access: .write)
        try pollOne()
    }

    func invalidate(_ window: borrowing MemoryWindow) throws {
        try near.invalidate(window)
        try pollOne()
    }

    // MARK: Completions

    private func pollOne() throws {
        while completions.poll(into: &batch) == 0 {}
        try check()
    }

    private func check() throws {
        let status = batch[0].status
        guard status == .success else { throw BenchObstacle("a request completed with \(status)") }
    }

    private static func block(_ index: Int) -> Range<Int> {
        let start = (index & (blocks - 1)) * blockBytes
        return start..<start + blockBytes
    }
}
