import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("A shared receive queue")
struct SharedReceiveTests {
    @Test("[46] gives each receive to the queue pair that takes it, and retires that one's mapping alone")
    func anyOrder() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 4)
            var others = try adapter.createCompletionQueue(depth: 4)
            var shared = try adapter.createSharedReceiveQueue(depth: 8)
            let first = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            let second = try adapter.connectedQueuePair(others, receivesFrom: shared)
            let mappings = try (0..<3).map { _ in try adapter.mapBoxed() }
            for (index, mapping) in mappings.enumerated() {
                try shared.receive(into: [mapping.element].span, context: UInt64(index))
            }
            device.completeReceive(second.number, byteCount: 5, at: 2)
            device.completeReceive(first.number, byteCount: 3, at: 1)
            let middle = completions.drain()
            #expect(middle.map(\.context) == [1])
            #expect(middle.map(\.queuePairNumber) == [first.number])
            #expect(middle.map(\.byteCount) == [3])
            #expect(middle.map(\.operation) == [.receive])
            mappings[1].take()?.releaseNow()
            let last = try mappings[2].take().expectBusy()
            #expect(others.drain().map(\.queuePairNumber) == [second.number])
            last.releaseNow()
            let oldest = try mappings[0].take().expectBusy()
            #expect(oldest.use.description == "1 use by receives of shared receive queue 1")
            #expect(oldest.use.sharedReceiveQueues.map(\.number) == [shared.number])
            #expect(!oldest.use.isEmpty)
            device.completeReceive(second.number)
            _ = others.drain()
            oldest.releaseNow()
        }
    }

    @Test("[86] takes receives before there is a queue pair, in both forms, and several elements each")
    func before() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 4)
            var shared = try adapter.createSharedReceiveQueue(depth: 8)
            let mapping = try adapter.map()
            let other = try adapter.map()
            try shared.receive(into: mapping, 8..<16, context: 1)
            try shared.receive(into: [mapping.element(0..<8), other.element(0..<8)].span, context: 2)
            #expect(mapping.use.sharedReceiveQueues.map(\.uses) == [2])
            let queuePair = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            device.completeReceive(queuePair.number, byteCount: 8)
            device.completeReceive(queuePair.number, byteCount: 16)
            #expect(completions.drain().map(\.context) == [1, 2])
            mapping.releaseNow()
            other.releaseNow()
        }
    }

    @Test("[87] holds as many receives as asked for, though the device holds more, until one is polled")
    func depth() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 4)
            var shared = try adapter.createSharedReceiveQueue(depth: 4)
            #expect(shared.depth == 4)
            let queuePair = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            let mapping = try adapter.map()
            for _ in 0..<4 { try shared.receive(into: mapping, 0..<8) }
            #expect(throws: PostError.queueFull(depth: 4)) { try shared.receive(into: mapping, 0..<8) }
            device.completeReceive(queuePair.number)
            #expect(throws: PostError.queueFull(depth: 4)) { try shared.receive(into: mapping, 0..<8) }
            #expect(completions.drain().count == 1)
            try shared.receive(into: mapping, 0..<8)
        }
    }

    @Test("is the only way to receive for its queue pairs")
    func ownReceives() async throws {
        try await withFakeAdapter { adapter, _ in
            let completions = try adapter.createCompletionQueue(depth: 4)
            let shared = try adapter.createSharedReceiveQueue(depth: 4)
            var queuePair = try adapter.connectedQueuePair(completions, receivesFrom: shared)
            let mapping = try adapter.map()
            #expect(throws: PostError.receivesAreShared) { try queuePair.receive(into: mapping, 0..<8) }
            #expect(throws: PostError.receivesAreShared) { try queuePair.receive(into: [mapping.element(0..<8)].span) }
            #expect(queuePair.capacity.receiveDepth == 0)
            mapping.releaseNow()
        }
    }

    @Test("[41] [62] takes no reference for a receive that is refused")
    func refused() async throws {
        try await withFakeAdapter { adapter, device in
            try await withFakeAdapter { elsewhere, _ in
                var shared = try adapter.createSharedReceiveQueue(depth: 4, elements: 2)
                let mapping = try adapter.map()
                let foreign = try elsewhere.map()
                let element = mapping.element(0..<8)
                #expect(throws: PostError.tooManyElements(count: 3, limit: 2)) {
                    try shared.receive(into: [element, element, element].span)
                }
                #expect(throws: PostError.unknownAddress(element: 0)) { try shared.receive(into: foreign, 0..<8) }
                var wrong = element
                wrong.token += 1
                #expect(throws: PostError.wrongToken(element: 1)) {
                    try shared.receive(into: [element, wrong].span)
                }
                let beyond = ScatterGatherElement(
                    address: element.address, length: UInt32(mapping.length) + 1, token: element.token)
                #expect(throws: PostError.beyondMapping(element: 1)) {
                    try shared.receive(into: [element, beyond].span)
                }
                device.inject(ENOMEM, into: .postSharedReceive)
                #expect(throws: PostError.verbFailed(verb: "ibv_post_srq_recv", errno: ENOMEM)) {
                    try shared.receive(into: mapping, 0..<8)
                }
                #expect(mapping.use.isEmpty)
                mapping.releaseNow()
                foreign.releaseNow()
            }
        }
    }

    @Test("keeps the memory of a receive that the device may or may not have, until the queue is closed")
    func undetermined() async throws {
        try await withFakeAdapter { adapter, device in
            var shared = try adapter.createSharedReceiveQueue(depth: 4)
            let mapping = try adapter.map()
            device.leaveUndetermined(next: .postSharedReceive, code: EINVAL)
            try shared.receive(into: mapping, 0..<8)
            let kept = try mapping.expectBusy()
            try shared.close()
            kept.releaseNow()
        }
    }

    @Test("says what the adapter does not allow")
    func limits() async throws {
        try await withFakeAdapter { adapter, _ in
            #expect(adapter.info.maxSharedReceiveQueues == 917_503)
            #expect(adapter.info.maxSharedReceiveQueueDepth == 1_048_576)
            #expect(adapter.info.maxSharedReceiveElements == 27)
            func refusal(depth: Int = 4, elements: Int = 1, threshold: Int = 0) -> AdapterError? {
                #expect(throws: AdapterError.self) {
                    _ = try adapter.createSharedReceiveQueue(depth: depth, elements: elements, threshold: threshold)
                }
            }
            #expect(
                refusal(depth: 0) == .limitExceeded(what: "shared receive queue depth", asked: 0, limit: 1_048_576))
            #expect(
                refusal(depth: 1_048_577)
                    == .limitExceeded(what: "shared receive queue depth", asked: 1_048_577, limit: 1_048_576))
            #expect(
                refusal(elements: 28) == .limitExceeded(what: "elements of a shared receive", asked: 28, limit: 27))
            #expect(
                refusal(threshold: 5) == .limitExceeded(what: "notification threshold", asked: 5, limit: 4))
            let deepest = try adapter.createSharedReceiveQueue(depth: 1_048_576, elements: 27)
            #expect(deepest.depth == 1_048_576)
        }
    }

    @Test("has room for its receives in each completion queue once, however many queue pairs complete there")
    func room() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 1)
            var shared = try adapter.createSharedReceiveQueue(depth: 100)
            let capacity = LAM.QueuePairCapacity(sendDepth: 1)
            var queuePairs: [BoxedQueuePair] = []
            for _ in 0..<10 {
                let queuePair = try adapter.createQueuePair(
                    sendCompletions: completions, receiveCompletions: completions, receivesFrom: shared,
                    capacity: capacity)
                try queuePair.connect(to: queuePair.address)
                queuePairs.append(BoxedQueuePair(queuePair))
            }
            #expect((120...255).contains(completions.depth))
            try shared.modify(depth: 300)
            #expect((320...511).contains(completions.depth))
            let mapping = try adapter.map()
            for _ in 0..<300 { try shared.receive(into: mapping, 0..<8) }
            for index in 0..<300 { device.completeReceive(queuePairs[index % 10].number) }
            #expect(completions.drain().count == 300)
            for queuePair in queuePairs { queuePair.close() }
            // All the room is back: what needs nearly all of it fits.
            let capacities = LAM.QueuePairCapacity(sendDepth: 16_000, receiveDepth: 16_000)
            _ = try adapter.createQueuePair(completions: completions, capacity: capacities)
        }
    }
}

extension LogicalAddressMapping? {
    /// As of a mapping that is there.
    consuming func expectBusy(sourceLocation: SourceLocation = #_sourceLocation) throws -> LogicalAddressMapping {
        guard let mapping = self else { throw UnexpectedRelease() }
        return try mapping.expectBusy(sourceLocation: sourceLocation)
    }
}
