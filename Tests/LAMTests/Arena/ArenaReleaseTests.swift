import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("Releasing a mapping that is cut from an arena")
struct ArenaReleaseTests {
    @Test("[34] [55] has its addresses fail inline, also when its bytes are another mapping's")
    func staleAddress() async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try smallArena(adapter)
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let first = try arena.buildLam(length: 4096)
            let (element, memory) = (first.element(0..<8), first.memory)
            first.release()
            #expect(throws: PostError.unknownAddress(element: 0)) { try queuePair.send([element].span) }
            for _ in 0..<5000 {
                let next = try arena.buildLam(length: 4096)
                #expect(next.memory == memory)
                #expect(throws: PostError.unknownAddress(element: 0)) { try queuePair.send([element].span) }
                next.release()
            }
            #expect(device.sends(on: queuePair.number).isEmpty)
        }
    }

    @Test("[35] [36] gives the bytes to nobody while a request that names them is posted", arguments: [false, true])
    func inUse(isReceive: Bool) async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try smallArena(adapter)
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try arena.buildLam(length: 4096)
            if isReceive {
                try queuePair.receive(into: mapping, 0..<8)
            } else {
                try queuePair.send(mapping, 0..<8)
            }
            mapping.release()
            for _ in 0..<3 { expectFull(arena) }
            #expect(arena.statistics.mappings == 0)
            if isReceive { device.completeReceive(queuePair.number) } else { device.complete(queuePair.number) }
            #expect(completions.take(1).count == 1)
            try arena.buildLam(length: 4096).releaseNow()
        }
    }

    @Test("[39] does not depend on anybody polling")
    func nobodyPolls() async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try smallArena(adapter)
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try arena.buildLam(length: 4096)
            try queuePair.send(mapping, 0..<8, flags: .silentSuccess)
            mapping.release()
            expectFull(arena)
            // The marker that the reaper posts behind the silent one.
            #expect(eventually { device.sends(on: queuePair.number).count == 2 })
            device.complete(queuePair.number, sends: 2)
            #expect(eventually { (try? arena.buildLam(length: 4096).releaseNow()) != nil })
        }
    }

    @Test("[37] gives the bytes away once a later request of the queue completed")
    func silent() async throws {
        try await withFakeAdapter(over: FakeDevice(carriesOutSendsAtOnce: true)) { adapter, device in
            let arena = try smallArena(adapter)
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let nothing: [ScatterGatherElement] = []
            for round in 0..<100 {
                let mapping = try arena.buildLam(length: 4096)
                try queuePair.send(mapping, 0..<8, flags: .silentSuccess)
                try queuePair.send(nothing.span, context: UInt64(round))
                mapping.release()
                #expect(completions.take(1).map(\.context) == [UInt64(round)])
            }
        }
    }

    @Test("with released() returns when nothing uses the bytes any more")
    func released() async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try smallArena(adapter)
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            try await arena.buildLam(length: 4096).released()
            let mapping = try arena.buildLam(length: 4096)
            try queuePair.receive(into: mapping, 0..<8)
            let box = BoxedMapping(mapping)
            let isDone = SharedValue(false)
            let waiting = Task {
                await box.take()?.released()
                isDone.value = true
            }
            usleep(20_000)
            #expect(!isDone.value)
            device.completeReceive(queuePair.number)
            await waiting.value
            try arena.buildLam(length: 4096).releaseNow()
        }
    }

    @Test("with tryRelease() is done at once, or names who uses it and leaves the mapping as it was")
    func tryRelease() async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try smallArena(adapter)
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var mapping = try arena.buildLam(length: 4096)
            let element = mapping.element(8..<16)
            try queuePair.receive(into: mapping, 0..<8)
            #expect(mapping.use.description == "1 request on the receive queue of queue pair \(queuePair.number)")
            mapping = try mapping.expectBusy()
            try queuePair.receive(into: [element].span)
            device.completeReceive(queuePair.number)
            device.completeReceive(queuePair.number)
            #expect(completions.take(2).count == 2)
            #expect(mapping.use.isEmpty)
            mapping.releaseNow()
            try arena.buildLam(length: 4096).releaseNow()
        }
    }

    @Test("[41] [42] is not held up by a post that failed, nor is the next mapping of its bytes")
    func refusedPosts() async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try smallArena(adapter)
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let standing = try adapter.map()
            for isList in [false, true] {
                let mapping = try arena.buildLam(length: 4096)
                // The fences, so that the next posts go the short way.
                try queuePair.send(mapping, 0..<8)
                try queuePair.receive(into: mapping, 0..<8)
                device.complete(queuePair.number)
                device.completeReceive(queuePair.number)
                #expect(completions.take(2).count == 2)
                device.inject(ENOMEM, into: .postSend)
                device.inject(ENOMEM, into: .postReceive)
                if isList {
                    #expect(throws: PostError.self) { try queuePair.send([mapping.element, mapping.element].span) }
                    #expect(throws: PostError.self) { try queuePair.receive(into: [mapping.element].span) }
                } else {
                    #expect(throws: PostError.self) { try queuePair.send(mapping, 0..<8) }
                    #expect(throws: PostError.self) { try queuePair.receive(into: mapping, 0..<8) }
                }
                // What has the positions of the refused ones stays outstanding.
                try queuePair.send(standing, 0..<8)
                try queuePair.receive(into: standing, 0..<8)
                #expect(mapping.use.isEmpty, "\(mapping.use)")
                mapping.releaseNow()
                device.complete(queuePair.number)
                device.completeReceive(queuePair.number)
                #expect(completions.take(2).count == 2)
            }
        }
    }

    @Test("[44] is over when the queue pair that used it is closed")
    func closedQueuePair() async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try smallArena(adapter)
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try arena.buildLam(length: 4096)
            try queuePair.receive(into: mapping, 0..<8)
            mapping.release()
            expectFull(arena)
            queuePair.close()
            #expect(eventually { (try? arena.buildLam(length: 4096).releaseNow()) != nil })
        }
    }
}
