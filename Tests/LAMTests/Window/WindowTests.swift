import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("A memory window")
struct WindowTests {
    @Test("[48] holds its mapping until its invalidation is polled, and can be bound again")
    func roundTrip() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let window = try adapter.createMemoryWindow()
            var mapping = try adapter.map()
            var keys: Set<UInt32> = []
            for round in 0..<3 as Range<UInt64> {
                let remote = try queuePair.bind(window, over: mapping, 8..<16, access: .read, context: round)
                #expect(remote.address == mapping.baseAddress.rawValue + 8)
                #expect(keys.insert(remote.key).inserted)
                mapping = try mapping.expectBusy()
                #expect(throws: PostError.window(.stillBinding)) { try queuePair.invalidate(window) }
                device.complete(queuePair.number)
                #expect(completions.take(1).map(\.operation) == [.bind])
                #expect(device.windows.map(\.binding?.queuePair) == [queuePair.number])
                mapping = try mapping.expectBusy()
                try queuePair.invalidate(window, context: round)
                #expect(throws: PostError.window(.notBound)) { try queuePair.invalidate(window) }
                mapping = try mapping.expectBusy()
                device.complete(queuePair.number)
                #expect(completions.take(1).map(\.operation) == [.invalidate])
            }
            mapping.releaseNow()
            _ = consume window
        }
    }

    @Test("[77] that is not bound is never invalidated on the device, which would panic (T1)")
    func neverInvalidatedUnbound() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let window = try adapter.createMemoryWindow()
            let mapping = try adapter.map()
            #expect(throws: PostError.window(.notBound)) { try queuePair.invalidate(window) }
            _ = try queuePair.bind(window, over: mapping, 0..<8, access: .write)
            #expect(throws: PostError.window(.stillBinding)) { try queuePair.invalidate(window) }
            device.complete(queuePair.number)
            _ = completions.take(1)
            try queuePair.invalidate(window)
            device.complete(queuePair.number)
            _ = completions.take(1)
            #expect(throws: PostError.window(.notBound)) { try queuePair.invalidate(window) }
            #expect(device.sends(on: queuePair.number).isEmpty)
            try queuePair.send(mapping, 0..<8)
            #expect(device.sends(on: queuePair.number).count == 1)
            _ = consume window
        }
    }

    @Test("[49] [81] that the peer invalidated is not invalidated again, and lets its mapping go")
    func invalidatedByPeer() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let window = try adapter.createMemoryWindow()
            let mapping = try adapter.map()
            let other = try adapter.map()
            let remote = try queuePair.bind(window, over: mapping, 0..<8, access: .write)
            device.complete(queuePair.number)
            _ = completions.take(1)
            try queuePair.receive(into: other, 0..<8)
            device.completeReceive(queuePair.number, byteCount: 1, invalidating: remote.key)
            let results = completions.take(1)
            #expect(results.map(\.operation) == [.receiveAndInvalidate])
            #expect(results.map(\.invalidatedKey) == [remote.key])
            #expect(throws: PostError.window(.notBound)) { try queuePair.invalidate(window) }
            mapping.releaseNow()
            _ = try queuePair.bind(window, over: other, 0..<8, access: .read)
            _ = consume window
        }
    }

    @Test("cannot be bound twice, or invalidated on another queue pair")
    func states() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var other = try adapter.connectedQueuePair(completions)
            let window = try adapter.createMemoryWindow()
            let mapping = try adapter.map()
            _ = try queuePair.bind(window, over: mapping, 0..<8, access: .read)
            #expect(throws: PostError.window(.alreadyBound)) {
                _ = try other.bind(window, over: mapping, 0..<8, access: .read)
            }
            device.complete(queuePair.number)
            _ = completions.take(1)
            #expect(throws: PostError.window(.alreadyBound)) {
                _ = try queuePair.bind(window, over: mapping, 0..<8, access: .read)
            }
            #expect(throws: PostError.window(.boundElsewhere)) { try other.invalidate(window) }
            #expect(device.sends(on: other.number).isEmpty)
            _ = consume window
        }
    }

    @Test("[80] is not bound where the device would end the connection for it")
    func objections() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.createQueuePair(completions: completions)
            let window = try adapter.createMemoryWindow()
            let mapping = try adapter.map()
            #expect(throws: PostError.notConnected) {
                _ = try queuePair.bind(window, over: mapping, 0..<8, access: .read)
            }
            try queuePair.connect(to: queuePair.address)
            #expect(throws: PostError.window(.noRights)) {
                _ = try queuePair.bind(window, over: mapping, 0..<8, access: [])
            }
            #expect(throws: PostError.window(.emptyRange)) {
                _ = try queuePair.bind(window, over: mapping, 8..<8, access: .read)
            }
            #expect(throws: PostError.beyondMapping(element: 0)) {
                _ = try queuePair.bind(window, over: mapping, 8..<4097, access: .read)
            }
            #expect(throws: PostError.beyondMapping(element: 0)) {
                _ = try queuePair.bind(window, over: mapping, -1..<8, access: .read)
            }
            #expect(window.remoteMemory == nil)
            #expect(device.sends(on: queuePair.number).isEmpty)
            mapping.releaseNow()
            _ = consume window
        }
    }

    @Test("that is dropped ends the peer's access before the drop returns, and lets its mapping go")
    func dropped() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            do {
                let window = try adapter.createMemoryWindow()
                _ = try queuePair.bind(window, over: mapping, 0..<8, access: .read)
                device.complete(queuePair.number)
                _ = completions.take(1)
            }
            #expect(device.windows.isEmpty)
            mapping.releaseNow()
        }
    }

    @Test("that is dropped while it is being bound or invalidated goes with the completion", arguments: [true, false])
    func abandoned(isInvalidating: Bool) async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var mapping = try adapter.map()
            do {
                let window = try adapter.createMemoryWindow()
                _ = try queuePair.bind(window, over: mapping, 0..<8, access: .read)
                if isInvalidating {
                    device.complete(queuePair.number)
                    _ = completions.take(1)
                    try queuePair.invalidate(window)
                }
            }
            mapping = try mapping.expectBusy()
            #expect(device.windows.count == 1)
            device.complete(queuePair.number)
            // Nobody polls but the adapter.
            await mapping.released()
            #expect(device.windows.isEmpty)
            #expect(completions.drain().count == 1)
        }
    }

    @Test("[49] that the peer invalidated before the bind's own completion was polled is unbound all the same")
    func invalidatedEarly() async throws {
        try await withFakeAdapter { adapter, device in
            var sends = try adapter.createCompletionQueue(depth: 8)
            var receives = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.createQueuePair(sendCompletions: sends, receiveCompletions: receives)
            try queuePair.connect(to: queuePair.address)
            let window = try adapter.createMemoryWindow()
            let mapping = try adapter.map()
            let other = try adapter.map()
            let remote = try queuePair.bind(window, over: mapping, 0..<8, access: .write)
            try queuePair.receive(into: other, 0..<8)
            device.complete(queuePair.number)
            device.completeReceive(queuePair.number, byteCount: 1, invalidating: remote.key)
            #expect(receives.take(1).count == 1)
            #expect(sends.take(1).map(\.operation) == [.bind])
            #expect(throws: PostError.window(.notBound)) { try queuePair.invalidate(window) }
            mapping.releaseNow()
            _ = consume window
        }
    }
}
