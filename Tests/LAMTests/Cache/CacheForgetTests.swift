import Glibc
import LAM
import TestSupport
import Testing

@Suite("Memory that a registration cache is to forget")
struct CacheForgetTests {
    @Test("is registered anew when it is mapped again (T29)")
    func forget() async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter)
            let buffers = try pageBuffers(2)
            let memory = buffers[0].descriptor
            for buffer in buffers { try unsafe cache.buildLam(over: buffer.descriptor).release() }
            try unsafe cache.buildLam(over: MemoryDescriptor(address: memory.address + 100, length: 10)).release()
            #expect(device.registrationCount == 3)
            #expect(cache.forget(MemoryDescriptor(address: memory.address + 105, length: 1)))
            #expect(device.registrationCount == 1, "all that has the byte is gone")
            #expect(cache.forget(memory))
            try unsafe cache.buildLam(over: memory).release()
            #expect(cache.statistics.misses == 4)
            #expect(cache.statistics.evictions == 0)
        }
    }

    @Test("stays pinned while it is mapped or in use, and no later mapping is of that registration")
    func live() async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter)
            let buffer = try PageBuffer(count: 100)
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try cache.buildLam(over: buffer)
            let used = try cache.buildLam(over: buffer)
            try queuePair.receive(into: used, 0..<8)
            used.release()
            #expect(!cache.forget(buffer.descriptor))
            let next = try cache.buildLam(over: buffer)
            #expect(device.registrationCount == 2)
            next.release()
            #expect(cache.trim() == fakePageSize)
            mapping.withBytes { #expect($0.byteCount == 100) }
            mapping.release()
            for _ in 0..<3 { #expect(!cache.forget(buffer.descriptor)) }
            #expect(device.registrationCount == 1)
            device.completeReceive(queuePair.number)
            #expect(completions.take(1).count == 1)
            #expect(eventually { cache.forget(buffer.descriptor) })
            #expect(device.registrationCount == 0)
        }
    }

    @Test("with forgotten() is unpinned when that returns, whoever used it")
    func forgotten() async throws {
        try await withFakeAdapter { adapter, device in
            let cache = try smallCache(adapter)
            let buffer = try PageBuffer(count: 100)
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            await cache.forgotten(buffer.descriptor)
            let mapping = try cache.buildLam(over: buffer)
            try cache.buildLam(over: buffer, access: .readOnly).release()
            try queuePair.send(mapping, 0..<8, flags: .silentSuccess)
            mapping.release()
            let isDone = SharedValue(false)
            let waiting = Task {
                await cache.forgotten(buffer.descriptor)
                isDone.value = true
            }
            #expect(eventually { device.sends(on: queuePair.number).count == 2 }, "the reaper's marker")
            #expect(!isDone.value)
            device.complete(queuePair.number, sends: 2)
            await waiting.value
            #expect(device.registrationCount == 0)
        }
    }
}
