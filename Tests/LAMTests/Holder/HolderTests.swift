import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("Several queues on one mapping")
struct HolderTests {
    @Test("all hold it, more than four of them too, until the last of their requests", arguments: [1, 4, 5, 9])
    func manyQueuePairs(count: Int) async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var mapping = try adapter.map()
            let element = mapping.element(0..<8)
            let queuePairs = try (0..<count).map { _ in
                BoxedQueuePair(try adapter.connectedQueuePair(completions))
            }
            for queuePair in queuePairs {
                try queuePair.post { (queuePair) throws(PostError) in
                    try queuePair.send([element].span)
                    try queuePair.receive(into: [element].span)
                }
            }
            let use = mapping.use
            #expect(use.queues.count == min(4, 2 * count))
            #expect(use.furtherRequests == max(0, 2 * count - 4))
            // In an order that the fences do not have.
            for queuePair in queuePairs.reversed() {
                mapping = try mapping.expectBusy()
                device.complete(queuePair.number)
                mapping = try mapping.expectBusy()
                device.completeReceive(queuePair.number)
                #expect(completions.take(2).count == 2)
            }
            let end = mapping.use
            #expect(end.isEmpty)
            mapping.releaseNow()
        }
    }

    @Test("hold it also when they end with requests outstanding, beyond the fourth as well")
    func endedQueuePairs() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            let mapping = try adapter.map()
            let element = mapping.element(0..<8)
            for _ in 0..<3 {
                let queuePairs = try (0..<6).map { _ in
                    BoxedQueuePair(try adapter.connectedQueuePair(completions))
                }
                for queuePair in queuePairs {
                    try queuePair.post { (queuePair) throws(PostError) in try queuePair.send([element].span) }
                }
                for queuePair in queuePairs { queuePair.close() }
                let use = mapping.use
                #expect(use.isEmpty)
            }
            mapping.releaseNow()
        }
    }

    @Test("[36] take one reference for each element, and drop them together (T19)")
    func severalElements() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            let mapping = try adapter.map()
            let element = mapping.element(0..<8)
            let queuePairs = try (0..<6).map { _ in BoxedQueuePair(try adapter.connectedQueuePair(completions)) }
            for queuePair in queuePairs {
                try queuePair.post { (queuePair) throws(PostError) in
                    try queuePair.send([element, element, element].span)
                }
                device.complete(queuePair.number)
            }
            #expect(completions.take(6).count == 6)
            mapping.releaseNow()
        }
    }

    @Test("[20] are told apart in words")
    func description() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let window = try adapter.createMemoryWindow()
            let mapping = try adapter.map()
            try queuePair.receive(into: mapping, 0..<8)
            try queuePair.receive(into: mapping, 0..<8)
            let number = queuePair.number
            #expect("\(mapping.use)" == "2 requests on the receive queue of queue pair \(number)")
            _ = try queuePair.bind(window, over: mapping, 0..<8, access: .read)
            #expect("\(mapping.use)" == "2 requests on the receive queue of queue pair \(number), 1 window")
            queuePair.close()
            #expect("\(mapping.use)" == "nothing")
            _ = completions.drain()
            _ = consume window
        }
    }

    @Test("share a completion queue: each queue's results come in its own order, each once")
    func sharedCompletionQueue() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 1)
            let mapping = try adapter.map()
            let element = mapping.element(0..<8)
            let queuePairs = try (0..<3).map { _ in BoxedQueuePair(try adapter.connectedQueuePair(completions)) }
            for context in 0..<8 as Range<UInt64> {
                for queuePair in queuePairs {
                    try queuePair.post { (queuePair) throws(PostError) in
                        try queuePair.send([element].span, context: context)
                    }
                }
            }
            device.complete(queuePairs[0].number, sends: 3)
            device.complete(queuePairs[2].number, sends: 8)
            device.complete(queuePairs[1].number, sends: 5)
            // One ends in the middle, with results that nobody polled.
            queuePairs[0].close()
            let results = completions.take(21)
            for (index, expected) in [(0, 8), (1, 5), (2, 8)] {
                let own = results.filter { $0.queuePairNumber == queuePairs[index].number }
                #expect(own.map(\.context) == Array(0..<UInt64(expected)))
            }
            #expect(completions.drain().isEmpty)
            await mapping.released(after: queuePairs)
        }
    }
}

extension LogicalAddressMapping {
    /// Closes queue pairs, and waits until the mapping is unpinned.
    fileprivate consuming func released(after queuePairs: [BoxedQueuePair]) async {
        for queuePair in queuePairs { queuePair.close() }
        await released()
    }
}
