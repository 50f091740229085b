import LAM

@main
struct FirstMapping {
    static func main() async throws {
        // Two queue pairs of one adapter, connected to each other, so that the program needs no second machine.
        let adapter = try Adapter.open()
        var completions = try adapter.createCompletionQueue(depth: 64)
        var batch = CompletionBatch()
        var here = try adapter.createQueuePair(completions: completions)
        var there = try adapter.createQueuePair(completions: completions)
        try here.connect(to: there.address)
        try there.connect(to: here.address)

        // Memory that the adapter may reach: pinned, with logical addresses, and with no rights for any peer.
        let message = Array("through a logical address mapping".utf8)
        let source = try PageBuffer(count: message.count)
        let sink = try PageBuffer(count: message.count)
        source.copyIn(message)
        let sourceMapping = try adapter.buildLam(over: source)
        let sinkMapping = try adapter.buildLam(over: sink)

        // The peer of `there` may write to the sink, and to nothing else, until the window is invalidated or dropped.
        let window = try adapter.createMemoryWindow()
        let remote = try there.bind(window, over: sinkMapping, 0..<message.count, access: .write)
        _ = try completions.wait(into: &batch)

        // A write. The mapping is given up while the adapter may still read it: it is unpinned when that is over, not before.
        try here.write(sourceMapping, 0..<message.count, to: remote, context: 7)
        sourceMapping.release()
        while try completions.wait(into: &batch) > 0 {
            batch.forEach { print("request \($0.context): \($0.operation), \($0.status)") }
            if batch.indices.contains(where: { batch[$0].context == 7 }) { break }
        }
        print(String(decoding: sink.copyOut(), as: UTF8.self))

        // The sink is in use by a window, and says so.
        if case .busy(let mapping, let use) = sinkMapping.tryRelease() {
            print("not released, used by \(use)")
            try there.invalidate(window)
            await mapping.released()
        }
        print("\(adapter.statistics.pinnedBytes) bytes pinned")
    }
}
