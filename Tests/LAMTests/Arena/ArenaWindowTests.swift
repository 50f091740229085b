import LAM
import TestSupport
import Testing

@Suite("A window over a mapping that is cut from an arena")
struct ArenaWindowTests {
    @Test("[48] tells the peer the device's address, and keeps the bytes until it is invalidated")
    func bound() async throws {
        try await withFakeAdapter(over: FakeDevice(vendorID: 0x02_c9)) { adapter, device in
            let arena = try smallArena(adapter, pages: 2)
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let window = try adapter.createMemoryWindow()
            let first = try arena.buildLam(length: 4096)
            var mapping = try arena.buildLam(length: 4096)
            let remote = try queuePair.bind(window, over: mapping, 8..<16, access: .read)
            let region = try #require(device.regions.last)
            #expect(
                remote.address - region.deviceAddress == UInt64(mapping.memory.address + 8 - region.base),
                "the peer's address is the slab's")
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.status) == [.success])
            let binding = try #require(device.windows.first?.binding)
            #expect(binding.address == remote.address)
            #expect(binding.length == 8)
            mapping = try mapping.expectBusy()
            mapping.release()
            expectFull(arena)
            try queuePair.invalidate(window)
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.status) == [.success])
            #expect(eventually { (try? arena.buildLam(length: 4096).releaseNow()) != nil })
            first.releaseNow()
            _ = consume window
        }
    }

    @Test("is refused by a device that would open the whole slab to the peer (T37)")
    func notConfined() async throws {
        try await withFakeAdapter { adapter, device in
            #expect(!adapter.info.confinesWindows)
            let arena = try smallArena(adapter)
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let window = try adapter.createMemoryWindow()
            let mapping = try arena.buildLam(length: 4096)
            #expect(throws: PostError.window(.notConfined)) {
                _ = try queuePair.bind(window, over: mapping, 0..<8, access: .read)
            }
            #expect(device.sends(on: queuePair.number).isEmpty)
            mapping.releaseNow()
            _ = consume window
        }
    }
}
