import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("Deferred requests")
struct DeferredChainTests {
    @Test("[92] reach the device together with the next request, in order")
    func together() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            let posts = device.callCount(.postSend)
            for context in 1...3 as ClosedRange<UInt64> {
                try queuePair.send(mapping, 0..<8, context: context, flags: .defer)
            }
            #expect(device.callCount(.postSend) == posts)
            try queuePair.send(mapping, 0..<8, context: 4)
            #expect(device.callCount(.postSend) == posts + 1)
            device.complete(queuePair.number, sends: 4)
            #expect(completions.drain().map(\.context) == [1, 2, 3, 4])
            mapping.releaseNow()
        }
    }

    @Test("[92] reach the device also when a later post fails inline", arguments: InlineFailure.allCases)
    func inlineFailure(failure: InlineFailure) async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.createQueuePair(completions: completions, capacity: smallCapacity)
            try queuePair.connect(to: queuePair.address, options: ConnectionOptions(outboundReadLimit: 0))
            let mapping = try adapter.map()
            let window = try adapter.createMemoryWindow()
            try queuePair.send(mapping, 0..<8, flags: .defer)
            try queuePair.send(mapping, 0..<8, flags: .defer)
            #expect(throws: PostError.self) {
                switch failure {
                case .wrongToken:
                    let element = ScatterGatherElement(address: mapping.baseAddress, length: 1, token: 0)
                    try queuePair.send([element].span)
                case .tooManyElements:
                    try queuePair.send([ScatterGatherElement](repeating: mapping.element(0..<1), count: 5).span)
                case .tooLong:
                    try unsafe queuePair.send(inline: [UInt8](repeating: 0, count: 1000).span.bytes)
                case .readsNotAllowed:
                    try queuePair.read(into: mapping, 0..<8, from: RemoteMemory(address: 0, key: 0))
                case .noRights:
                    _ = try queuePair.bind(window, over: mapping, 0..<8, access: [])
                case .notBound:
                    try queuePair.invalidate(window)
                case .queueFull:
                    for _ in 0..<7 { try queuePair.send(mapping, 0..<8, flags: .defer) }
                case .queueFullForWindow:
                    for _ in 0..<6 { try queuePair.send(mapping, 0..<8, flags: .defer) }
                    _ = try queuePair.bind(window, over: mapping, 0..<8, access: .read)
                }
            }
            #expect(device.sends(on: queuePair.number).count >= 2)
            _ = consume window
        }
    }

    enum InlineFailure: CaseIterable {
        case wrongToken, tooManyElements, tooLong, readsNotAllowed, noRights, notBound, queueFull, queueFullForWindow
    }

    @Test("[42] that the device refuses complete once, as flushed; those before them as they went", arguments: 0..<4)
    func refusedAt(index: Int) async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mappings = BoxedMappings(try (0..<4).map { _ in try adapter.mapBoxed() })
            device.refuseRequest(index, ofNext: .postSend, code: ENOMEM)
            for position in 0..<3 {
                try queuePair.send(mappings.elements(position).span, context: UInt64(position), flags: .defer)
            }
            #expect(throws: PostError.verbFailed(verb: "ibv_post_send", errno: ENOMEM)) {
                try queuePair.send(mappings.elements(3).span, context: 3)
            }
            // The caller's own request completes never: its post said so.
            if index == 3 { device.complete(queuePair.number, sends: 3) }
            let results = completions.take(3)
            #expect(results.map(\.context) == [0, 1, 2])
            #expect(results.map(\.status).allSatisfy { $0 == (index == 3 ? .success : .flushed) })
            usleep(1_000)
            #expect(completions.drain().isEmpty)
            for position in 0..<4 { mappings.take(position)?.releaseNow() }
        }
    }

    @Test("[42] of which the device refuses one are held no longer than those before it, and by nothing posted later")
    func heldBefore() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var first = try adapter.map()
            let second = try adapter.map()
            let other = try adapter.map()
            device.refuseRequest(1, ofNext: .postSend, code: ENOMEM)
            try queuePair.send(first, 0..<8, context: 1, flags: .defer)
            #expect(throws: PostError.self) { try queuePair.send(second, 0..<8, context: 2) }
            first = try first.expectBusy()
            try queuePair.send(other, 0..<8, context: 3)
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.context) == [1])
            first.releaseNow()
            second.releaseNow()
        }
    }

    @Test("[42] of unknown fate keep their mapping until they are flushed (T11)")
    func undetermined() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var mapping = try adapter.map()
            device.leaveUndetermined(next: .postSend, code: EINVAL)
            try queuePair.send(mapping, 0..<8, context: 1, flags: .defer)
            try queuePair.send(mapping, 0..<8, context: 2)
            mapping = try mapping.expectBusy()
            device.leaveUndetermined(next: .postReceive, code: EINVAL)
            try queuePair.receive(into: mapping, 0..<8, context: 3)
            queuePair.close()
            mapping.releaseNow()
            #expect(completions.drain().map(\.context).sorted() == [1, 2, 3])
        }
    }
}
