import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("An inline request")
struct InlineTests {
    @Test(
        "[63] [64] may have any number of elements, with any token, and reaches the device as one element without a key"
    )
    func elements() async throws {
        try await withFakeAdapter(over: FakeDevice(carriesOutSendsAtOnce: true)) { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            let base = mapping.baseAddress
            let elements = (0..<16 as Range<UInt32>).map { index in
                ScatterGatherElement(address: base.advanced(by: Int(index) * 100), length: index % 8, token: index)
            }
            try queuePair.send(elements.span, context: 1, flags: .inline)
            try queuePair.write(
                elements.span, to: RemoteMemory(address: 0, key: 1), context: 2, flags: [.inline, .silentSuccess])
            try queuePair.send(mapping, 3..<67, context: 3, flags: .inline)
            let none: [ScatterGatherElement] = []
            try queuePair.send(none.span, context: 4, flags: .inline)
            #expect(completions.take(3).map(\.context) == [1, 3, 4])
            // Nothing of it holds the mapping, the silent one included.
            mapping.releaseNow()
        }
    }

    @Test("[40] [41] takes no reference, posted or refused")
    func references() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            let element = mapping.element(0..<8)
            try queuePair.send([element, element].span, flags: .inline)
            let sent = device.sends(on: queuePair.number)
            #expect(sent.map { $0.elements.map(\.length) } == [[16]])
            #expect(sent.allSatisfy { $0.flags.contains(.inline) })
            device.refuseRequest(0, ofNext: .postSend, code: ENOMEM)
            #expect(throws: PostError.verbFailed(verb: "ibv_post_send", errno: ENOMEM)) {
                try queuePair.send([element].span, flags: .inline)
            }
            mapping.releaseNow()
            #expect(throws: PostError.unknownAddress(element: 1)) {
                try queuePair.send(
                    [ScatterGatherElement(address: element.address, length: 0, token: 0), element].span, flags: .inline)
            }
            device.complete(queuePair.number)
            #expect(completions.take(1).count == 1)
        }
    }

    @Test("[65] is refused where it is too long, or names what is not mapped; what was deferred goes out all the same")
    func refused() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            try queuePair.send(mapping, 0..<8, context: 1, flags: .defer)
            #expect(throws: PostError.inlineTooLong(bytes: 65, limit: 64)) {
                try queuePair.send([mapping.element(0..<32), mapping.element(0..<33)].span, flags: .inline)
            }
            #expect(device.sends(on: queuePair.number).count == 1)
            var element = mapping.element(fakePageSize - 1..<fakePageSize)
            element.length = 2
            #expect(throws: PostError.beyondMapping(element: 0)) { try queuePair.send([element].span, flags: .inline) }
            #expect(device.sends(on: queuePair.number).count == 1)
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.context) == [1])
        }
    }

    @Test("is told at once though it is deferred, and with it what was deferred before, in order")
    func deferred() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            try queuePair.send(mapping, 0..<8, context: 1, flags: .defer)
            try queuePair.send(mapping, 0..<8, context: 2, flags: [.defer, .inline])
            #expect(device.sends(on: queuePair.number).count == 2)
            device.complete(queuePair.number, sends: 2)
            #expect(completions.take(2).map(\.context) == [1, 2])
        }
    }

    @Test("is a read like any other where it is one")
    func read() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var mapping = try adapter.map()
            try queuePair.read(into: mapping, 0..<8, from: RemoteMemory(address: 0, key: 1), flags: .inline)
            #expect(device.sends(on: queuePair.number).map { $0.flags.contains(.inline) } == [false])
            mapping = try mapping.expectBusy()
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.operation) == [.read])
            mapping.releaseNow()
        }
    }

    @Test("reads memory that stays meanwhile: releases beside it never unpin under it", arguments: 0..<4)
    func besideReleases(seed: Int) async throws {
        try await withFakeAdapter(over: FakeDevice(carriesOutSendsAtOnce: true)) { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            for _ in 0..<200 {
                let mapping = try adapter.mapBoxed()
                let releasing = TestThread { mapping.take()?.release() }
                var isThere = true
                while isThere {
                    do throws(PostError) {
                        try queuePair.send([mapping.element].span, flags: [.inline, .silentSuccess])
                    } catch {
                        isThere = error != .unknownAddress(element: 0)
                    }
                    _ = completions.drain()
                }
                releasing.join()
            }
            #expect(eventually { adapter.statistics.liveMappings == 0 })
        }
    }
}
