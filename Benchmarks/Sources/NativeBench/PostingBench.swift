import LAM
import Measuring
import PlainVerbs
import StubProvider

/// One queue pair of ours and one of plain C, on the same stub.
final class PostingBench {
    /// What is measured.
    enum Path: String, CaseIterable {
        case signaled
        case silent
        case send
        case receive
        case elements
        case build

        var text: String {
            switch self {
            case .signaled: "signaled write: post, poll"
            case .silent: "silent write: post, poll each 64th"
            case .send: "signaled send of one element, by address"
            case .receive: "receive: post, poll"
            case .elements: "signaled write of two elements, by address"
            case .build: "build, tryRelease (one allocation is the stub's)"
            }
        }

        var target: String {
            switch self {
            case .signaled, .receive: "1: <= 10 ns"
            case .silent: "1: <= 3 ns"
            case .send, .elements: ""
            case .build: "(2)"
            }
        }
    }

    private let adapter: Adapter
    private let buffer: PageBuffer
    private var mapping: LogicalAddressMapping?
    private var completions: CompletionQueue?
    private var queuePair: QueuePair?
    private var batch: CompletionBatch? = CompletionBatch(capacity: 16)
    private let plain: OpaquePointer
    private static let blockBytes = 4096
    private static let blocks = 16
    private static let remote = RemoteMemory(address: 0x1000, key: 7)

    init() throws {
        adapter = try Adapter.open()
        buffer = try PageBuffer(count: Self.blocks * Self.blockBytes)
        mapping = try adapter.buildLam(over: buffer)
        let completions = try adapter.createCompletionQueue(depth: 512)
        let queuePair = try adapter.createQueuePair(completions: completions)
        try queuePair.connect(to: queuePair.address)
        self.completions = consume completions
        self.queuePair = consume queuePair
        guard let plain = plain_queue_create("stub0", Self.blocks * Self.blockBytes) else {
            fatalError("the stub provider has no device stub0")
        }
        self.plain = plain
    }

    func finish() {
        plain_queue_destroy(plain)
    }

    // MARK: Measuring

    /// Measures one path beside plain C, and counts what it allocates.
    func compare(_ path: Path, in table: inout Table) throws {
        let count = NativeBench.operations
        let comparison = try Comparison(
            rounds: NativeBench.rounds, operations: count,
            ours: { try ours(path, count) }, baseline: { plain(path, count) })
        table.add(
            path.text, comparison.ours.text(digits: 1), comparison.baseline.text(digits: 1),
            comparison.difference.text(digits: 1), try allocationsPerRequest { try ours(path, count) }, path.target)
    }

    /// Walks a path by its name: `signaled`, or `plain-signaled` for plain C.
    func run(_ name: String, _ count: Int) throws {
        if let path = Path(rawValue: name) { return try ours(path, count) }
        guard name.hasPrefix("plain-"), let path = Path(rawValue: String(name.dropFirst(6))) else {
            fatalError("there is no path \(name)")
        }
        plain(path, count)
    }

    private func plain(_ path: Path, _ count: Int) {
        let code =
            switch path {
            case .signaled: plain_post_signaled(plain, UInt64(count))
            case .silent: plain_post_unsignaled(plain, UInt64(count), 64)
            case .send: plain_post_sends(plain, UInt64(count))
            case .receive: plain_post_receives(plain, UInt64(count))
            case .elements: plain_post_two_elements(plain, UInt64(count))
            case .build:
                plain_register(
                    plain, UnsafeMutableRawPointer(bitPattern: buffer.descriptor.address), buffer.count, UInt64(count))
            }
        if code != 0 { fatalError("plain C: errno \(code)") }
    }

    // MARK: Our paths; those that `check-thresholds` counts have names of their own in the program

    /// Takes everything out of this object, so that the loop has its own variables, as a program would.
    private func ours(_ path: Path, _ count: Int) throws {
        let mapping = self.mapping.take()!
        var queuePair = self.queuePair.take()!
        var completions = self.completions.take()!
        var batch = self.batch.take()!
        switch path {
        case .signaled: try Self.postSignaled(count, &queuePair, mapping, &completions, &batch)
        case .silent: try Self.postSilent(count, &queuePair, mapping, &completions, &batch)
        case .send: try Self.postSends(count, &queuePair, mapping, &completions, &batch)
        case .receive: try Self.postReceives(count, &queuePair, mapping, &completions, &batch)
        case .elements: try Self.postElements(count, &queuePair, mapping, &completions, &batch)
        case .build: try Self.build(count, adapter, buffer)
        }
        self.mapping = consume mapping
        self.queuePair = consume queuePair
        self.completions = consume completions
        self.batch = consume batch
    }

    @inline(never)
    private static func postSignaled(
        _ count: Int, _ queuePair: inout QueuePair, _ mapping: borrowing LogicalAddressMapping,
        _ completions: inout CompletionQueue, _ batch: inout CompletionBatch
    ) throws {
        for index in 0..<count {
            try queuePair.write(mapping, block(index), to: remote)
            pollOne(&completions, &batch)
        }
    }

    @inline(never)
    private static func postSilent(
        _ count: Int, _ queuePair: inout QueuePair, _ mapping: borrowing LogicalAddressMapping,
        _ completions: inout CompletionQueue, _ batch: inout CompletionBatch
    ) throws {
        for index in 0..<count {
            try queuePair.write(mapping, block(index), to: remote, flags: .silentSuccess)
            // Every 64th is signaled by the library and succeeds: nothing to hear of.
            if index & 63 == 63 { _ = completions.poll(into: &batch) }
        }
    }

    @inline(never)
    private static func postSends(
        _ count: Int, _ queuePair: inout QueuePair, _ mapping: borrowing LogicalAddressMapping,
        _ completions: inout CompletionQueue, _ batch: inout CompletionBatch
    ) throws {
        var element: InlineArray<1, ScatterGatherElement> = [mapping.element(block(0))]
        let first = mapping.baseAddress
        for index in 0..<count {
            element[0].address = first.advanced(by: (index & (blocks - 1)) * blockBytes)
            try queuePair.send(element.span)
            pollOne(&completions, &batch)
        }
    }

    @inline(never)
    private static func postReceives(
        _ count: Int, _ queuePair: inout QueuePair, _ mapping: borrowing LogicalAddressMapping,
        _ completions: inout CompletionQueue, _ batch: inout CompletionBatch
    ) throws {
        for index in 0..<count {
            try queuePair.receive(into: mapping, block(index))
            pollOne(&completions, &batch)
        }
    }

    @inline(never)
    private static func postElements(
        _ count: Int, _ queuePair: inout QueuePair, _ mapping: borrowing LogicalAddressMapping,
        _ completions: inout CompletionQueue, _ batch: inout CompletionBatch
    ) throws {
        var elements: InlineArray<2, ScatterGatherElement> = [mapping.element(block(0)), mapping.element(block(1))]
        let first = mapping.baseAddress
        for index in 0..<count {
            let address = first.advanced(by: (index & (blocks / 2 - 1)) * 2 * blockBytes)
            elements[0].address = address
            elements[1].address = address.advanced(by: blockBytes)
            try queuePair.write(elements.span, to: remote)
            pollOne(&completions, &batch)
        }
    }

    /// Waits for one completion and looks at it, as the C loop does.
    @inline(__always)
    private static func pollOne(_ completions: inout CompletionQueue, _ batch: inout CompletionBatch) {
        while completions.poll(into: &batch) == 0 {}
        guard batch[0].status == .success else { fatalError("\(batch[0])") }
    }

    @inline(never)
    private static func build(_ count: Int, _ adapter: Adapter, _ buffer: PageBuffer) throws {
        for _ in 0..<count {
            guard case .released = try adapter.buildLam(over: buffer).tryRelease() else {
                fatalError("an unused mapping is busy")
            }
        }
    }

    @inline(__always)
    private static func block(_ index: Int) -> Range<Int> {
        let start = (index & (blocks - 1)) * blockBytes
        return start..<(start + blockBytes)
    }
}
