import LAM
import TestSupport
import Testing

/// Memory that the adapter may only read.
@Suite("A read-only mapping")
struct ReadOnlyMappingTests {
    @Test("[20] is a source of sends and writes, and no sink, in whatever form it is posted")
    func sink() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.buildLam(over: PageBuffer(count: 64), access: .readOnly)
            #expect(mapping.access == .readOnly)
            let other = try adapter.map()
            let remote = RemoteMemory(address: 1, key: 2)
            try queuePair.send(mapping, 0..<8)
            try queuePair.write(mapping, 0..<8, to: remote)
            let refusal = PostError.notWritable(element: 0)
            #expect(throws: refusal) { try queuePair.receive(into: mapping, 0..<8) }
            #expect(throws: refusal) { try queuePair.read(into: mapping, 0..<8, from: remote) }
            let element = mapping.element(0..<8)
            #expect(throws: refusal) { try queuePair.receive(into: [element].span) }
            #expect(throws: PostError.notWritable(element: 1)) {
                try queuePair.receive(into: [other.element(0..<8), element].span)
            }
            device.complete(queuePair.number, sends: 2)
            #expect(completions.take(2).count == 2)
            // What was refused left no reference.
            mapping.releaseNow()
            other.releaseNow()
        }
    }

    @Test("[20] is no sink of a shared receive queue")
    func sharedReceive() async throws {
        try await withFakeAdapter { adapter, device in
            var queue = try adapter.createSharedReceiveQueue(depth: 4)
            let mapping = try adapter.buildLam(over: PageBuffer(count: 64), access: .readOnly)
            #expect(throws: PostError.notWritable(element: 0)) { try queue.receive(into: mapping, 0..<8) }
            mapping.releaseNow()
        }
    }

    @Test("[79] cannot have a window")
    func window() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.buildLam(over: PageBuffer(count: 64), access: .readOnly)
            let window = try adapter.createMemoryWindow()
            for access in [RemoteAccess.read, .write, [.read, .write]] {
                #expect(throws: PostError.window(.notWritable)) {
                    _ = try queuePair.bind(window, over: mapping, 0..<8, access: access)
                }
            }
            mapping.releaseNow()
        }
    }
}
