import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("A fast registration")
struct FastRegisterTests {
    /// Bases that a device can give, as far from the mapping's own address as may be.
    private static let otherBase: UInt64 = 0x1234_5000

    @Test("at the mapping's own address binds a window over the mapping itself")
    func atOwnAddress() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let region = try adapter.fastRegion()
            var mapping = try adapter.map(pages: 4)
            let regions = device.regions.count
            let remote = try queuePair.fastRegisterAll(region, over: mapping, context: 7)
            #expect(device.regions.count == regions)
            #expect(remote?.address == mapping.baseAddress.rawValue)
            #expect(region.remoteMemory == remote)
            mapping = try mapping.expectBusy()
            device.complete(queuePair.number)
            let completion = try #require(completions.take(1).first)
            #expect(completion.operation == .fastRegister)
            #expect(completion.context == 7)
            let window = try #require(device.windows.first)
            #expect(window.key == remote?.key)
            #expect(window.binding?.address == mapping.baseAddress.rawValue)
            #expect(window.binding?.length == UInt64(4 * fakePageSize))
            mapping = try mapping.expectBusy()
            try queuePair.invalidate(region)
            mapping = try mapping.expectBusy()
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.operation) == [.invalidate])
            #expect(region.remoteMemory == nil)
            mapping.releaseNow()
            drop(region)
        }
    }

    @Test("[71] at another base registers the bytes there, under a window that covers just them")
    func atAnotherBase() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let region = try adapter.fastRegion()
            let mapping = try adapter.map(pages: 4)
            let pinned = (pages: device.pinnedPageCount, bytes: adapter.statistics.pinnedBytes)
            let remote = try queuePair.fastRegister(
                region, pages: mapping.pages.dropFirst(), firstByteOffset: 100, length: 5000,
                baseAddress: Self.otherBase + 100, access: .remoteRead)
            let own = try #require(device.regions.last)
            #expect(own.deviceAddress == Self.otherBase + 100)
            #expect(own.base == mapping.memory.address + UInt(fakePageSize) + 100)
            #expect(own.length == 5000)
            #expect(own.rights == .bindWindows)
            #expect(device.pinnedPageCount == pinned.pages + 2)
            #expect(adapter.statistics.pinnedBytes == pinned.bytes + 2 * fakePageSize)
            #expect(remote?.address == Self.otherBase + 100)
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.status) == [.success])
            let binding = try #require(device.windows.first?.binding)
            #expect(binding.region == own.key)
            #expect(binding.address == own.deviceAddress)
            #expect(binding.length == 5000)
            #expect(binding.rights == .remoteRead)
            try queuePair.invalidate(region)
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.status) == [.success])
            #expect(device.pinnedPageCount == pinned.pages)
            #expect(adapter.statistics.pinnedBytes == pinned.bytes)
            mapping.releaseNow()
            drop(region)
        }
    }

    @Test("of a part of a mapping is confined to it also where the device confines no window (T37)")
    func confined() async throws {
        for confines in [true, false] {
            let device = FakeDevice(vendorID: confines ? 0x02_c9 : 0xff_ffff)
            try await withFakeAdapter(over: device) { adapter, device in
                var completions = try adapter.createCompletionQueue(depth: 8)
                var queuePair = try adapter.connectedQueuePair(completions)
                let region = try adapter.fastRegion()
                let mapping = try adapter.map(pages: 4)
                let regions = device.regions.count
                let remote = try queuePair.fastRegister(
                    region, pages: mapping.pages, firstByteOffset: 8, length: 16,
                    baseAddress: mapping.baseAddress.rawValue + 8, access: .remoteWrite)
                #expect(remote?.address == mapping.baseAddress.rawValue + 8)
                #expect(device.regions.count == regions + (confines ? 0 : 1))
                device.complete(queuePair.number)
                #expect(completions.take(1).map(\.status) == [.success])
                let binding = try #require(device.windows.first?.binding)
                #expect(binding.length == 16)
                let below = try #require(device.regions.first { $0.key == binding.region })
                #expect(below.length == (confines ? 4 * fakePageSize : 16))
                #expect(below.rights == [.bindWindows, .localWrite])
                drop(region)
                mapping.releaseNow()
            }
        }
    }

    @Test("without remote rights has nothing of the device, but its turn")
    func localOnly() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let region = try adapter.fastRegion(remoteAccess: false)
            let mapping = try adapter.map()
            let remote = try queuePair.fastRegisterAll(
                region, over: mapping, at: Self.otherBase, access: [.localWrite, .readSink])
            #expect(remote == nil)
            #expect(region.remoteMemory == nil)
            #expect(device.windows.isEmpty)
            let element = try region.registered(8..<24)
            #expect(element.address.rawValue == Self.otherBase + 8)
            try queuePair.receive(into: CollectionOfOne(element).span)
            let received = try #require(device.receives(on: queuePair.number).first?.elements.first)
            #expect(received.address == mapping.baseAddress.rawValue + 8)
            device.completeReceive(queuePair.number, byteCount: 16)
            device.complete(queuePair.number)
            #expect(Set(completions.take(2).map(\.operation)) == [.receive, .fastRegister])
            try queuePair.invalidate(region)
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.operation) == [.invalidate])
            #expect(region.element(0..<1) == nil)
            #expect(throws: PostError.unknownAddress(element: 0)) {
                try queuePair.send(CollectionOfOne(element).span)
            }
            mapping.releaseNow()
            drop(region)
        }
    }

    @Test("on a device without windows gives its own key, which ends with the deregistration")
    func withoutWindows() async throws {
        try await withFakeAdapter(over: FakeDevice(hasWindows: false)) { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let region = try adapter.fastRegion()
            let mapping = try adapter.map()
            let regions = device.regions
            let remote = try queuePair.fastRegisterAll(region, over: mapping, at: Self.otherBase)
            let own = try #require(device.regions.last)
            #expect(own.key == remote?.key)
            #expect(own.rights == [.remoteRead, .remoteWrite, .localWrite])
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.operation) == [.fastRegister])
            try queuePair.invalidate(region)
            #expect(device.regions.count == regions.count + 1, "in its turn, and not before")
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.operation) == [.invalidate])
            #expect(device.regions == regions)
            mapping.releaseNow()
            drop(region)
        }
    }

    @Test("[75] after an invalidation gives another token; the local one stays", arguments: [nil, otherBase])
    func again(base: UInt64?) async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let region = try adapter.fastRegion()
            let mapping = try adapter.map()
            let token = region.localToken
            var keys: Set<UInt32> = []
            for _ in 0..<4 {
                let remote = try #require(try queuePair.fastRegisterAll(region, over: mapping, at: base))
                #expect(keys.insert(remote.key).inserted)
                device.complete(queuePair.number)
                try #require(completions.take(1).map(\.status) == [.success])
                try queuePair.invalidate(region)
                device.complete(queuePair.number)
                try #require(completions.take(1).map(\.status) == [.success])
            }
            #expect(region.localToken == token)
            mapping.releaseNow()
            drop(region)
        }
    }

    @Test("[82] takes the flag for read sinks, and a read passes over the one for local invalidation")
    func flags() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let region = try adapter.fastRegion()
            let mapping = try adapter.map()
            _ = try queuePair.fastRegisterAll(region, over: mapping, access: [.readSink, .remoteRead])
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.status) == [.success])
            let registered = try adapter.registeredRegion(access: [.readSink])
            let sink = try registered.registered(0..<8)
            try queuePair.read(
                into: CollectionOfOne(sink).span, from: RemoteMemory(address: 0, key: 0), flags: .readLocalInvalidate)
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.operation) == [.read])
            #expect(registered.element(0..<8) == sink)
            drop(region)
            mapping.releaseNow()
        }
    }
}
