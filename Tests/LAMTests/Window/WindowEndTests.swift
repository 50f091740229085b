import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("A memory window whose request or queue pair fails")
struct WindowEndTests {
    @Test("is unbound when the bind is refused at the post, and its mapping free")
    func refusedPost() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let window = try adapter.createMemoryWindow()
            let mapping = try adapter.map()
            device.inject(ENOMEM, into: .postSend)
            #expect(throws: PostError.verbFailed(verb: "ibv_post_send", errno: ENOMEM)) {
                _ = try queuePair.bind(window, over: mapping, 0..<8, access: .read)
            }
            #expect(window.remoteMemory == nil)
            _ = try queuePair.bind(window, over: mapping, 0..<8, access: .read)
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.status) == [.success])
            device.inject(ENOMEM, into: .postSend)
            #expect(throws: PostError.self) { try queuePair.invalidate(window) }
            try queuePair.invalidate(window)
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.status) == [.success])
            mapping.releaseNow()
            _ = consume window
        }
    }

    @Test("is made anew for the next bind after one that failed (T23)")
    func failedBind() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var other = try adapter.connectedQueuePair(completions)
            let window = try adapter.createMemoryWindow()
            let mapping = try adapter.map()
            let windows = device.callCount(.allocateWindow)
            _ = try queuePair.bind(window, over: mapping, 0..<8, access: .read)
            device.fail(queuePair.number, status: .windowBindError)
            #expect(completions.take(1).map(\.status) == [.windowBindError])
            #expect(window.remoteMemory == nil)
            _ = try other.bind(window, over: mapping, 0..<8, access: .read)
            #expect(device.callCount(.allocateWindow) == windows + 1)
            device.complete(other.number)
            #expect(completions.take(1).map(\.status) == [.success])
            _ = consume window
            mapping.releaseNow()
        }
    }

    @Test("is unbound after a flush of its bind or of its invalidation", arguments: [true, false])
    func flushed(isInvalidating: Bool) async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let window = try adapter.createMemoryWindow()
            let mapping = try adapter.map()
            let other = try adapter.map()
            if isInvalidating {
                _ = try queuePair.bind(window, over: mapping, 0..<8, access: .read)
                device.complete(queuePair.number)
                _ = completions.take(1)
            }
            try queuePair.send(other, 0..<8)
            if isInvalidating {
                try queuePair.invalidate(window)
            } else {
                _ = try queuePair.bind(window, over: mapping, 0..<8, access: .read)
            }
            device.fail(queuePair.number)
            #expect(completions.take(2).map(\.status) == [.retriesExceeded, .flushed])
            #expect(eventually { window.remoteMemory == nil })
            #expect(throws: PostError.window(.notBound)) { try queuePair.invalidate(window) }
            mapping.releaseNow()
            _ = consume window
        }
    }

    @Test("[50] is ended before its queue pair (T2), and works on another one", arguments: [true, false])
    func queuePairEnds(isBound: Bool) async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var other = try adapter.connectedQueuePair(completions)
            let window = try adapter.createMemoryWindow()
            let mapping = try adapter.map()
            _ = try queuePair.bind(window, over: mapping, 0..<8, access: .read)
            device.complete(queuePair.number)
            if isBound { _ = completions.take(1) }
            let begin = ContinuousClock.now
            queuePair.close()
            #expect(ContinuousClock.now - begin < .seconds(1))
            #expect(device.queuePairNumbers == [other.number])
            // [51] The window itself is still there, and holds nothing.
            let use = mapping.use
            #expect(use.isEmpty)
            _ = completions.drain()
            _ = try other.bind(window, over: mapping, 0..<8, access: .read)
            device.complete(other.number)
            #expect(completions.take(1).map(\.status) == [.success])
            _ = consume window
            mapping.releaseNow()
        }
    }

    @Test("holds its mapping as long as the device refuses to end it", arguments: [1, 5])
    func refusedDeallocation(times: Int) async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            do {
                let window = try adapter.createMemoryWindow()
                _ = try queuePair.bind(window, over: mapping, 0..<8, access: .read)
                device.complete(queuePair.number)
                _ = completions.take(1)
                device.inject(EBUSY, into: .deallocateWindow, times: times)
            }
            await mapping.released()
            #expect(device.windows.isEmpty)
            #expect(adapter.statistics.refusedDestructions == times)
            #expect(adapter.statistics.refusedDeregistrations == 0)
        }
    }

    @Test("that the device refuses to end is waited for by the end of its queue pair", arguments: [true, false])
    func refusedAtEnd(isDropped: Bool) async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            let window = try adapter.createMemoryWindow()
            _ = try queuePair.bind(window, over: mapping, 0..<8, access: .read)
            device.complete(queuePair.number)
            _ = completions.take(1)
            device.inject(EBUSY, into: .deallocateWindow, times: 3)
            if isDropped { _ = consume queuePair } else { queuePair.close() }
            #expect(eventually { device.queuePairNumbers.isEmpty })
            await mapping.released()
            #expect(adapter.statistics.refusedDestructions == 3)
            _ = consume window
        }
    }

    @Test("that could not be made anew for a bind leaves nothing held")
    func noNewWindow() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var other = try adapter.connectedQueuePair(completions)
            let window = try adapter.createMemoryWindow()
            let mapping = try adapter.map()
            _ = try queuePair.bind(window, over: mapping, 0..<8, access: .read)
            device.fail(queuePair.number)
            _ = completions.take(1)
            device.inject(ENOMEM, into: .allocateWindow)
            #expect(throws: PostError.verbFailed(verb: "ibv_alloc_mw", errno: ENOMEM)) {
                _ = try other.bind(window, over: mapping, 0..<8, access: .read)
            }
            mapping.releaseNow()
            _ = consume window
        }
    }
}
