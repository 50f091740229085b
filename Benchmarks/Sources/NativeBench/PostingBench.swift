import LAM
import Measuring
import PlainVerbs
import StubProvider

/// One queue pair of ours and one of plain C, on the same stub.
final class PostingBench {
    private let adapter: Adapter
    private let buffer: PageBuffer
    private var mapping: LogicalAddressMapping?
    private var completions: CompletionQueue?
    private var queuePair: QueuePair?
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

    func add(
        to table: inout Table, _ name: String, target: String, ours: () throws -> Void, baseline: () -> Void
    ) throws {
        let comparison = try Comparison(
            rounds: NativeBench.rounds, operations: NativeBench.operations, ours: ours, baseline: baseline)
        let before = stub_allocation_count()
        try ours()
        let allocations = stub_allocation_count() - before
        var difference = Samples()
        for (ours, baseline) in zip(comparison.ours.inOrder, comparison.baseline.inOrder) {
            difference.add(ours - baseline)
        }
        table.add(
            name, comparison.ours.text(digits: 1), comparison.baseline.text(digits: 1), difference.text(digits: 1),
            "\(allocations)", target)
    }

    func postSignaled() throws {
        var batch = CompletionBatch(capacity: 16)
        let mapping = self.mapping.take()!
        var queuePair = self.queuePair.take()!
        var completions = self.completions.take()!
        for index in 0..<NativeBench.operations {
            let start = (index & (Self.blocks - 1)) * Self.blockBytes
            try queuePair.write(mapping, start..<(start + Self.blockBytes), to: Self.remote)
            while completions.poll(into: &batch) == 0 {}
        }
        self.mapping = consume mapping
        self.queuePair = consume queuePair
        self.completions = consume completions
    }

    func postSilent() throws {
        var batch = CompletionBatch(capacity: 16)
        let mapping = self.mapping.take()!
        var queuePair = self.queuePair.take()!
        var completions = self.completions.take()!
        for index in 0..<NativeBench.operations {
            let start = (index & (Self.blocks - 1)) * Self.blockBytes
            try queuePair.write(
                mapping, start..<(start + Self.blockBytes), to: Self.remote, flags: .silentSuccess)
            if index & 63 == 63 { _ = completions.poll(into: &batch) }
        }
        self.mapping = consume mapping
        self.queuePair = consume queuePair
        self.completions = consume completions
    }

    func plainSignaled() {
        plain_post_signaled(plain, UInt64(NativeBench.operations))
    }

    func plainUnsignaled() {
        plain_post_unsignaled(plain, UInt64(NativeBench.operations), 64)
    }

    func finish() {
        plain_queue_destroy(plain)
    }
}
