import LAM
import Synchronization
import TestSupport
import Testing

extension OnDevice {
    /// One mapping, and many who use it or want it gone.
    @Suite("A mapping that several use")
    struct SharedMappingTests {
        private static let page = DeviceMemory.pageSize

        @Test("is held by each of more queue pairs than it has fences for, until the last one is done")
        func manyQueuePairs() throws {
            let adapter = try Pair.openAdapter()
            let count = 7
            var ends = try Ends(count, of: adapter)
            var mapping = try adapter.buildLam(over: PageBuffer(count: Self.page))
            try ends.receive(into: mapping)
            #expect(mapping.use.queues.count == 4)
            #expect(mapping.use.furtherRequests == count - 4)
            for index in (0..<count).reversed() {
                mapping = try expectInUse(mapping, by: mapping.use.description)
                try ends.complete(index)
                #expect(mapping.use.queues.count + mapping.use.furtherRequests == index)
            }
            expectIdle(mapping)
            ends.close()
            try adapter.close(waiting: .seconds(10))
        }

        @Test("[55] posts that race with releases are carried out or refused, and never reach unmapped memory")
        func race() async throws {
            var pair = try Pair()
            let target = try pair.openTarget()
            let shared = Published()
            let builder = Task.detached { [adapter = pair.adapter] in
                for _ in 0..<200 where !shared.isDone {
                    let mapping = try adapter.buildLam(over: PageBuffer(count: Self.page))
                    shared.element = mapping.element(0..<8)
                    shared.waitForPost()
                    mapping.release()
                }
                shared.isDone = true
            }
            defer { shared.isDone = true }
            var counts = (posted: 0, refused: 0)
            while !shared.isDone {
                guard let element = shared.element else { continue }
                do throws(PostError) {
                    try pair.near.queuePair.write([element].span, to: target.remote)
                } catch {
                    try #require(error == .unknownAddress(element: 0))
                    counts.refused += 1
                    continue
                }
                counts.posted += 1
                shared.notePost()
                try #require(pair.near.completions.next()[0].status == .success)
            }
            try await builder.value
            print("posts racing with releases: \(counts.posted) carried out, \(counts.refused) refused")
            #expect(counts.posted > 50)
            target.close()
            try pair.close()
        }
    }
}

/// Pairs of queue pairs, held where an array of them is not possible.
private struct Ends: ~Copyable {
    private var pairs: [7 of Pair]

    init(_ count: Int, of adapter: Adapter) throws {
        precondition(count == 7)
        pairs = try InlineArray { _ in try Pair(of: adapter) }
    }

    mutating func receive(into mapping: borrowing LogicalAddressMapping) throws {
        for index in pairs.indices { try pairs[index].near.queuePair.receive(into: mapping, index..<index + 1) }
    }

    mutating func complete(_ index: Int) throws {
        try pairs[index].far.sendInline([1])
        #expect(try pairs[index].near.completions.next()[0].status == .success)
        _ = try pairs[index].far.completions.next()
    }

    consuming func close() {}
}

/// What the thread that builds tells the one that posts, and back.
private final class Published: Sendable {
    private let state = Mutex(State())

    private struct State {
        var element: ScatterGatherElement?
        var posts = 0
        var isDone = false
    }

    var element: ScatterGatherElement? {
        get { state.withLock { $0.element } }
        set { state.withLock { $0.element = newValue } }
    }

    var isDone: Bool {
        get { state.withLock { $0.isDone } }
        set { state.withLock { $0.isDone = newValue } }
    }

    func notePost() { state.withLock { $0.posts += 1 } }

    /// Waits for the next post, but not for ever.
    func waitForPost() {
        let before = state.withLock { $0.posts }
        let end = ContinuousClock.now + .milliseconds(100)
        while state.withLock({ $0.posts == before }), ContinuousClock.now < end {}
    }
}
