import Glibc
import LAM
import Measuring
import StubProvider

/// What a request costs, and a mapping keeps, where many mappings are live: target 15.
final class LiveBench {
    private static let rounds = 31
    private static let requests = 100_000
    private static let remote = RemoteMemory(address: 0x1000, key: 7)

    private let adapter: Adapter
    private var posting: Posting?
    private let yardstick = Yardstick()
    /// What all mappings are of: it is their number that matters.
    private let buffer: PageBuffer

    init() throws {
        adapter = try Adapter.open()
        buffer = try PageBuffer(count: 4096)
        let completions = try adapter.createCompletionQueue(depth: 512)
        let queuePair = try adapter.createQueuePair(completions: completions)
        try queuePair.connect(to: queuePair.address)
        posting = Posting(completions: completions, queuePair: queuePair)
    }

    private struct Posting: ~Copyable {
        var completions: CompletionQueue
        var queuePair: QueuePair
        var batch = CompletionBatch(capacity: 16)
    }

    func report() throws -> String {
        var table = Table(
            "signaled write by the address of one of so many live mappings", "one after the other, ns",
            "in random order, ns", "bytes of each", "target")
        for count in [100, 10_000, 100_000, 1_000_000] {
            let before = stub_allocated_bytes()
            let mappings = try (0..<count).map { _ in Live(try adapter.buildLam(over: buffer)) }
            let bytes = Double(stub_allocated_bytes() - before) / Double(count)
            let elements = mappings.map { $0.mapping!.element(0..<4096) }
            let inOrder = try measure(elements)
            let random = try measure(elements.shuffled())
            table.add(
                "\(count)", inOrder.text(digits: 1), random.text(digits: 1), decimal(bytes, 0),
                count == 100_000 ? "15: <= 1.1 x of 100, <= 192 bytes" : "")
            for mapping in mappings { mapping.mapping.take()?.release() }
        }
        table.add("meanwhile a signaled write of plain C", yardstick.samples.text(digits: 1), "", "", "")
        return table.text
    }

    private final class Live {
        var mapping: LogicalAddressMapping?

        init(_ mapping: consuming LogicalAddressMapping) {
            self.mapping = consume mapping
        }
    }

    private func measure(_ elements: [ScatterGatherElement]) throws -> Samples {
        // Out of this object, so that the loop has its own variables, as a program would.
        var posting = self.posting.take()!
        var samples = Samples()
        for round in 0...Self.rounds {
            let time = try nanoseconds { try Self.post(elements, &posting) } / Double(Self.requests)
            yardstick.measure()
            if round > 0 { samples.add(time) }
        }
        self.posting = consume posting
        return samples
    }

    @inline(never)
    private static func post(_ elements: [ScatterGatherElement], _ posting: inout Posting) throws {
        let span = elements.span
        var position = 0
        for _ in 0..<requests {
            try posting.queuePair.write(span.extracting(position..<position + 1), to: remote)
            while posting.completions.poll(into: &posting.batch) == 0 {}
            guard posting.batch[0].status == .success else { fatalError("\(posting.batch[0])") }
            position += 1
            if position == span.count { position = 0 }
        }
    }
}
