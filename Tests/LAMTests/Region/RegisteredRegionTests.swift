import Glibc
import LAM
import TestSupport
import Testing
import struct Verbs.AccessRights
import enum Verbs.Verb

@Suite("A registered memory region")
struct RegisteredRegionTests {
    @Test("begins at the memory's own address, with the rights that were asked for and no others")
    func registered() async throws {
        try await withFakeAdapter { adapter, device in
            let buffer = try PageBuffer(count: 2 * fakePageSize)
            let rights: [(asked: RegionAccess, AccessOfDevice)] = [
                ([], AccessOfDevice(remoteKey: false, [])),
                (.localWrite, AccessOfDevice(remoteKey: false, [.localWrite])),
                (.readSink, AccessOfDevice(remoteKey: false, [.localWrite])),
                (.remoteRead, AccessOfDevice(remoteKey: true, [.remoteRead])),
                (.remoteWrite, AccessOfDevice(remoteKey: true, [.localWrite, .remoteWrite])),
            ]
            for (asked, expected) in rights {
                var region = try adapter.createMemoryRegion(.registered)
                #expect(region.element(0..<1) == nil)
                #expect(region.remoteMemory == nil)
                try unsafe region.register(
                    [MemoryDescriptor(address: buffer.descriptor.address + 100, length: 5000)], access: asked)
                let found = try #require(device.regions.last)
                #expect(found.deviceAddress == UInt64(buffer.descriptor.address) + 100)
                #expect(found.length == 5000)
                #expect(found.rights == expected.rights.union(.bindWindows))
                #expect(
                    region.remoteMemory
                        == (expected.remoteKey ? RemoteMemory(address: found.deviceAddress, key: found.key) : nil))
                #expect(throws: RegionError.alreadyRegistered) { try region.register(over: buffer, access: asked) }
                try region.deregister()
                #expect(region.remoteMemory == nil)
                #expect(region.element(0..<1) == nil)
                #expect(throws: RegionError.notRegistered) { try region.deregister() }
                drop(region)
            }
        }
    }

    private struct AccessOfDevice {
        let remoteKey: Bool
        let rights: AccessRights

        init(remoteKey: Bool, _ rights: AccessRights) {
            self.remoteKey = remoteKey
            self.rights = rights
        }
    }

    @Test("is named in elements by its token and addresses within it, and is not unpinned under a request")
    func elements() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var region = try adapter.registeredRegion()
            let mapping = try adapter.map()
            let element = try region.registered(8..<24)
            #expect(element.token == region.localToken)
            #expect(region.element(0..<fakePageSize + 1) == nil)
            #expect(region.element(-1..<1) == nil)
            let elements = [mapping.element(0..<4), element]
            try queuePair.send(elements.span)
            let sent = try #require(device.sends(on: queuePair.number).first).elements
            #expect(sent.map(\.address) == [mapping.baseAddress.rawValue, element.address.rawValue])
            #expect(sent.last?.key == device.regions.first { $0.deviceAddress == element.address.rawValue - 8 }?.key)
            do throws(RegionError) {
                try region.deregister()
                Issue.record("it was unpinned under a send")
            } catch {
                guard case .inUse(let use) = error else { throw error }
                #expect(use.queues.map(\.requests) == [1])
            }
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.status) == [.success])
            try region.deregister()
            #expect(throws: PostError.unknownAddress(element: 1)) { try queuePair.send(elements.span) }
            mapping.releaseNow()
            drop(region)
        }
    }

    @Test("is copied from by an inline request that names it, and needs no longer to stay")
    func inline() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var region = try adapter.registeredRegion()
            let element = try region.registered(8..<24)
            try queuePair.send(CollectionOfOne(element).span, flags: .inline)
            #expect(device.sends(on: queuePair.number).first?.byteCount == 16)
            try region.deregister()
            #expect(throws: PostError.self) { try queuePair.send(CollectionOfOne(element).span, flags: .inline) }
            queuePair.close()
            drop(region)
        }
    }

    @Test("refuses addresses beyond it, writes without the right, and tokens that are none")
    func badElements() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let region = try adapter.registeredRegion(access: .remoteRead)
            let good = try region.registered(0..<8)
            var beyond = good
            beyond.length = UInt32(fakePageSize + 1)
            var before = good
            before.address = good.address.advanced(by: -1)
            var stale = good
            stale.token = region.localToken &+ 1
            let bad: [(ScatterGatherElement, PostError)] = [
                (beyond, .beyondMapping(element: 0)), (before, .unknownAddress(element: 0)),
                (stale, .wrongToken(element: 0)),
            ]
            for (element, error) in bad {
                #expect(throws: error) { try queuePair.send(CollectionOfOne(element).span) }
            }
            #expect(throws: PostError.notWritable(element: 0)) {
                try queuePair.receive(into: CollectionOfOne(good).span)
            }
            try queuePair.send(CollectionOfOne(good).span)
            #expect(device.sends(on: queuePair.number).count == 1)
            queuePair.close()
            drop(region)
        }
    }

    @Test("[83] is not deregistered under a bound window, and stays valid")
    func underWindow() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var region = try adapter.registeredRegion(access: [.localWrite, .remoteRead])
            let known = region.remoteMemory
            let before = try #require(known)
            let window = try adapter.createMemoryWindow()
            let remote = try queuePair.bind(window, over: region, 8..<16, access: [.read, .write])
            #expect(remote.address == before.address + 8)
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.status) == [.success])
            let binding = try #require(device.windows.first?.binding)
            #expect(binding.address == remote.address)
            let regions = device.regions
            do throws(RegionError) {
                try region.deregister()
                Issue.record("it was deregistered under a window")
            } catch {
                guard case .inUse(let use) = error else { throw error }
                #expect(use.windows == 1)
            }
            #expect(device.regions == regions)
            #expect(region.remoteMemory == before)
            try queuePair.send(CollectionOfOne(try region.registered(0..<8)).span)
            try queuePair.invalidate(window)
            device.complete(queuePair.number, sends: 2)
            #expect(completions.take(2).map(\.operation) == [.send, .invalidate])
            try region.deregister()
            _ = consume window
            drop(region)
        }
    }

    @Test("[79] [80] is not bound for writing without local write, or where the device would end the connection")
    func binds() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let region = try adapter.registeredRegion(access: .remoteRead)
            let unregistered = try adapter.createMemoryRegion(.registered)
            let fast = try adapter.fastRegion()
            let window = try adapter.createMemoryWindow()
            let refusals: [(access: RemoteAccess, bytes: Range<Int>, PostError)] = [
                (.write, 0..<8, .window(.notWritable)), ([.read, .write], 0..<8, .window(.notWritable)),
                ([], 0..<8, .window(.noRights)), (.read, 8..<8, .window(.emptyRange)),
                (.read, 8..<fakePageSize + 1, .beyondMapping(element: 0)), (.read, -1..<8, .beyondMapping(element: 0)),
            ]
            for (access, bytes, error) in refusals {
                #expect(throws: error) { _ = try queuePair.bind(window, over: region, bytes, access: access) }
            }
            #expect(throws: PostError.region(.notRegistered)) {
                _ = try queuePair.bind(window, over: unregistered, 0..<8, access: .read)
            }
            #expect(throws: PostError.region(.onlyFastRegisters)) {
                _ = try queuePair.bind(window, over: fast, 0..<8, access: .read)
            }
            let other = try Adapter.open(over: device.verbs)
            let foreign = try other.registeredRegion()
            #expect(throws: PostError.region(.otherAdapter)) {
                _ = try queuePair.bind(window, over: foreign, 0..<8, access: .read)
            }
            #expect(device.sends(on: queuePair.number).isEmpty)
            _ = try queuePair.bind(window, over: region, 0..<8, access: .read)
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.status) == [.success])
            _ = consume window
            drop(region)
            drop(unregistered)
            drop(fast)
            drop(foreign)
        }
    }

    @Test("[20] [79] over memory that may not be written takes no windows, and no right to write")
    func readOnlyMemory() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let buffer = try PageBuffer(count: fakePageSize)
            var region = try adapter.createMemoryRegion(.registered)
            // The kernel's word for the right to bind windows, too.
            device.inject(EFAULT, into: .registerRegion)
            try region.register(over: buffer, access: .remoteRead)
            #expect(device.regions.last?.rights == .remoteRead)
            let window = try adapter.createMemoryWindow()
            #expect(throws: PostError.window(.notWritable)) {
                _ = try queuePair.bind(window, over: region, 0..<8, access: .read)
            }
            try region.deregister()
            device.inject(EFAULT, into: .registerRegion)
            #expect(throws: RegionError.self) { try region.register(over: buffer, access: .localWrite) }
            #expect(region.remoteMemory == nil)
            _ = consume window
            drop(region)
        }
    }

    @Test("that is dropped under a request is unpinned when the request is over")
    func dropped() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let pinned = device.pinnedPageCount
            do {
                let region = try adapter.registeredRegion()
                try queuePair.send(CollectionOfOne(try region.registered(0..<8)).span)
                drop(region)
            }
            #expect(device.pinnedPageCount == pinned + 1)
            device.complete(queuePair.number)
            // Nobody polls but the adapter.
            #expect(eventually { device.pinnedPageCount == pinned })
            queuePair.close()
            _ = consume completions
        }
    }

    @Test("keeps its adapter from closing, which says so")
    func survivor() async throws {
        try await withFakeAdapter { adapter, _ in
            let region = try adapter.registeredRegion()
            do throws(AdapterError) {
                try adapter.close(waiting: .milliseconds(1))
                Issue.record("it closed")
            } catch {
                guard case .survivors(let survivors) = error else { throw error }
                #expect(survivors.regions == 1)
                #expect(survivors.mappings.count == 1)
            }
            #expect(throws: AdapterError.closed) { drop(try adapter.createMemoryRegion(.registered)) }
            drop(region)
            try adapter.close(waiting: .seconds(10))
        }
    }
}
