import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("A fast-registered region whose request or queue pair fails")
struct RegionEndTests {
    private static let otherBase: UInt64 = 0x1234_5000

    @Test("[48] [51] lets go of its mapping when the queue pair ends, whatever stage it is in", arguments: 0..<3)
    func queuePairEnds(stage: Int) async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var other = try adapter.connectedQueuePair(completions)
            let region = try adapter.fastRegion()
            var mapping = try adapter.map()
            let pinned = device.pinnedPageCount
            _ = try queuePair.fastRegisterAll(region, over: mapping, at: Self.otherBase)
            if stage > 0 {
                device.complete(queuePair.number)
                _ = completions.take(1)
            }
            if stage > 1 { try queuePair.invalidate(region) }
            mapping = try mapping.expectBusy()
            queuePair.close()
            #expect(device.pinnedPageCount == pinned)
            #expect(region.remoteMemory == nil)
            _ = completions.drain()
            _ = try other.fastRegisterAll(region, over: mapping)
            device.complete(other.number)
            #expect(completions.take(1).map(\.status) == [.success])
            drop(region)
            mapping.releaseNow()
        }
    }

    @Test("[49] is not invalidated again after the peer did, and what was registered for it is gone")
    func invalidatedByPeer() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let region = try adapter.fastRegion()
            let mapping = try adapter.map()
            let sink = try adapter.map()
            let pinned = device.pinnedPageCount
            let remote = try #require(try queuePair.fastRegisterAll(region, over: mapping, at: Self.otherBase))
            device.complete(queuePair.number)
            _ = completions.take(1)
            try queuePair.receive(into: sink, 0..<8)
            device.completeReceive(queuePair.number, byteCount: 1, invalidating: remote.key)
            #expect(completions.take(1).map(\.status) == [.success])
            #expect(device.pinnedPageCount == pinned)
            #expect(throws: PostError.region(.notRegistered)) { try queuePair.invalidate(region) }
            #expect(device.sends(on: queuePair.number).isEmpty)
            mapping.releaseNow()
            sink.releaseNow()
            drop(region)
        }
    }

    @Test("ends for certain when its request fails or is flushed (T23)", arguments: [true, false])
    func failed(isOwn: Bool) async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let region = try adapter.fastRegion()
            let mapping = try adapter.map()
            let sent = try adapter.map()
            if !isOwn { try queuePair.send(sent, 0..<8) }
            _ = try queuePair.fastRegisterAll(region, over: mapping, at: Self.otherBase)
            device.fail(queuePair.number, status: isOwn ? .windowBindError : .retriesExceeded)
            let statuses = completions.take(isOwn ? 1 : 2).map(\.status)
            #expect(statuses == (isOwn ? [.windowBindError] : [.retriesExceeded, .flushed]))
            #expect(region.remoteMemory == nil)
            #expect(device.windows.isEmpty)
            mapping.releaseNow()
            drop(region)
        }
    }

    @Test("holds its mapping as long as the device refuses", arguments: [Verb.deallocateWindow, .deregisterRegion])
    func refused(verb: Verb) async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            do {
                let region = try adapter.fastRegion()
                _ = try queuePair.fastRegisterAll(region, over: mapping, at: Self.otherBase)
                device.complete(queuePair.number)
                _ = completions.take(1)
                device.inject(EBUSY, into: verb, times: 3)
                drop(region)
            }
            await mapping.released()
            #expect(adapter.statistics.refusedDestructions == 3)
            #expect(adapter.statistics.refusedDeregistrations == 0)
        }
    }

    @Test("holds it also when the device refuses after an invalidation, and can be registered later")
    func refusedAfterInvalidation() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let region = try adapter.fastRegion()
            var mapping = try adapter.map()
            _ = try queuePair.fastRegisterAll(region, over: mapping, at: Self.otherBase)
            device.complete(queuePair.number)
            _ = completions.take(1)
            try queuePair.invalidate(region)
            device.inject(EBUSY, into: .deregisterRegion, times: 50)
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.status) == [.success])
            mapping = try mapping.expectBusy()
            #expect(throws: PostError.region(.alreadyRegistered)) {
                _ = try queuePair.fastRegisterAll(region, over: mapping)
            }
            #expect(eventually { region.remoteMemory == nil })
            _ = try queuePair.fastRegisterAll(region, over: mapping)
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.status) == [.success])
            drop(region)
            mapping.releaseNow()
        }
    }

    @Test("that is dropped while it is being registered goes with the completion")
    func abandoned() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var mapping = try adapter.map()
            let pinned = device.pinnedPageCount
            do {
                let region = try adapter.fastRegion()
                _ = try queuePair.fastRegisterAll(region, over: mapping, at: Self.otherBase)
                drop(region)
            }
            mapping = try mapping.expectBusy()
            #expect(device.windows.count == 1)
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.operation) == [.fastRegister])
            #expect(device.windows.isEmpty)
            #expect(device.pinnedPageCount == pinned)
            mapping.releaseNow()
        }
    }

    @Test("[72] tells its token in a message posted next, which cannot overtake it")
    func order() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let region = try adapter.fastRegion()
            let mapping = try adapter.map()
            let message = try adapter.map()
            let remote = try #require(try queuePair.fastRegisterAll(region, over: mapping, at: Self.otherBase))
            try queuePair.send(message, 0..<8)
            let requests = device.sends(on: queuePair.number).map(\.operation)
            guard case .bind(_, let key, _) = requests.first else { throw UnexpectedRelease() }
            #expect(key == remote.key)
            #expect(requests.last == .send(invalidating: nil))
            queuePair.close()
            drop(region)
            mapping.releaseNow()
        }
    }

    @Test("[81] a peer's token is invalidated by a message, which completes as a send")
    func sendAndInvalidate() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            try queuePair.sendAndInvalidate(mapping, 0..<8, remoteKey: 0x1234)
            let element = mapping.element(0..<8)
            try queuePair.sendAndInvalidate(CollectionOfOne(element).span, remoteKey: 0x5678, flags: .silentSuccess)
            let bytes: [UInt8] = [1, 2]
            try queuePair.sendAndInvalidate(inline: unsafe bytes.span.bytes, remoteKey: 0x9abc)
            #expect(
                device.sends(on: queuePair.number).map(\.operation) == [
                    .send(invalidating: 0x1234), .send(invalidating: 0x5678), .send(invalidating: 0x9abc),
                ])
            device.complete(queuePair.number, sends: 3)
            #expect(completions.take(2).map(\.operation) == [.send, .send])
            mapping.releaseNow()
        }
    }
}
