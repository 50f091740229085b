import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("A post that fails inline")
struct FailedPostTests {
    @Test("[41] takes no reference, whatever the reason", arguments: Reason.allCases)
    func noReference(reason: Reason) async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.createQueuePair(completions: completions, capacity: smallCapacity)
            if reason != .notConnected { try queuePair.connect(to: queuePair.address) }
            let mapping = try adapter.map(pages: 4096)
            let other = try adapter.map()
            if reason == .queueFull { for _ in 0..<8 { try queuePair.send(other, 0..<8) } }
            let good = mapping.element(0..<8)
            var bad = good
            switch reason {
            case .wrongToken: bad.token = ~good.token
            case .unknownAddress: bad.address = LogicalAddress(rawValue: 0)
            case .beyondMapping:
                bad = mapping.element(4096..<4104)
                bad.length = 1 << 31
            case .tooLong: bad = mapping.element(0..<(9 << 20))
            case .notConnected, .queueFull, .tooManyElements, .refused: break
            }
            if reason == .refused { device.inject(ENOMEM, into: .postSend) }
            let count = reason == .tooManyElements ? 4 : 1
            let elements = [ScatterGatherElement](repeating: good, count: count) + [bad]
            #expect(throws: PostError.self) { try queuePair.send(elements.span) }
            // What is posted next on the same queue does not name the mapping either.
            if reason != .notConnected, reason != .queueFull { try queuePair.send(other, 0..<8) }
            let use = mapping.use
            #expect(use.isEmpty)
            mapping.releaseNow()
            #expect(device.sends(on: queuePair.number).count <= 8)
        }
    }

    enum Reason: CaseIterable {
        case wrongToken, unknownAddress, beyondMapping, tooLong, notConnected, queueFull, tooManyElements, refused
    }

    @Test("[41] to a receive queue takes no reference, and what is posted next does not hold its mappings")
    func receive() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            let other = try adapter.map()
            var stranger = mapping.element(0..<8)
            stranger.address = LogicalAddress(rawValue: 0)
            #expect(throws: PostError.unknownAddress(element: 1)) {
                try queuePair.receive(into: [mapping.element(0..<8), stranger].span)
            }
            try queuePair.receive(into: other, 0..<8)
            mapping.releaseNow()
        }
    }

    @Test("[41] because the device refuses a receive takes no reference")
    func refusedReceive() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            device.inject(ENOMEM, into: .postReceive)
            #expect(throws: PostError.verbFailed(verb: "ibv_post_recv", errno: ENOMEM)) {
                try queuePair.receive(into: mapping, 0..<8)
            }
            mapping.releaseNow()
        }
    }

    @Test("[41] because the device refuses it does not hold its mapping by what takes its place in the queue")
    func placeTaken() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            let other = try adapter.map()
            device.inject(ENOMEM, into: .postReceive)
            #expect(throws: PostError.self) { try queuePair.receive(into: mapping, 0..<8) }
            try queuePair.receive(into: other, 0..<8)
            mapping.releaseNow()
        }
    }

    @Test("[53] with a mapping of another adapter names no memory of this one, even at the same address")
    func otherAdapter() async throws {
        try await withFakeAdapter { adapter, device in
            try await withFakeAdapter { other, _ in
                let completions = try adapter.createCompletionQueue(depth: 8)
                var queuePair = try adapter.connectedQueuePair(completions)
                let mapping = try adapter.map()
                let foreign = try other.map()
                let window = try adapter.createMemoryWindow()
                let foreignWindow = try other.createMemoryWindow()
                #expect(throws: PostError.unknownAddress(element: 0)) { try queuePair.send(foreign, 0..<8) }
                #expect(throws: PostError.unknownAddress(element: 0)) { try queuePair.receive(into: foreign, 0..<8) }
                #expect(throws: PostError.unknownAddress(element: 0)) {
                    _ = try queuePair.bind(window, over: foreign, 0..<8, access: .read)
                }
                #expect(throws: PostError.window(.otherAdapter)) {
                    _ = try queuePair.bind(foreignWindow, over: mapping, 0..<8, access: .read)
                }
                #expect(device.sends(on: queuePair.number).isEmpty)
                mapping.releaseNow()
                foreign.releaseNow()
                _ = consume window
                _ = consume foreignWindow
            }
        }
    }
}
