import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("A refused fast registration")
struct FastRegisterRefusalTests {
    private static let page = UInt64(fakePageSize)

    @Test("[66] of a region that is not initialized, or for fewer pages, posts nothing")
    func pageCount() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map(pages: 4)
            let raw = try adapter.createMemoryRegion(.fastRegistered)
            expectRefused(.region(.notInitialized)) { () throws(PostError) in
                _ = try queuePair.fastRegisterAll(raw, over: mapping)
            }
            var region = try adapter.fastRegion(pages: 3)
            expectRefused(.region(.pageCount(asked: 4, limit: 3))) { () throws(PostError) in
                _ = try queuePair.fastRegisterAll(region, over: mapping)
            }
            expectRefused(.region(.pageCount(asked: 0, limit: 3))) { () throws(PostError) in
                _ = try queuePair.fastRegister(
                    region, pages: [], firstByteOffset: 0, length: 1, baseAddress: 0, access: .remoteRead)
            }
            let registered = try adapter.createMemoryRegion(.registered)
            expectRefused(.region(.neverFastRegisters)) { () throws(PostError) in
                _ = try queuePair.fastRegisterAll(registered, over: mapping)
            }
            #expect(device.sends(on: queuePair.number).isEmpty)
            try region.initializeFastRegister(pageCount: 4, remoteAccess: true)
            _ = try queuePair.fastRegisterAll(region, over: mapping)
            queuePair.close()
            mapping.releaseNow()
            drop(region)
        }
    }

    @Test("[67] an initialization for more pages than the adapter has, or for none, is refused with the limit")
    func initialization() async throws {
        try await withFakeAdapter { adapter, _ in
            var region = try adapter.createMemoryRegion(.fastRegistered)
            let limit = adapter.info.maxFastRegisterPages
            #expect(limit >= 16)
            for asked in [limit + 1, 0, -1, .max] {
                #expect(throws: RegionError.pageCount(asked: asked, limit: limit)) {
                    try region.initializeFastRegister(pageCount: asked, remoteAccess: true)
                }
            }
            try region.initializeFastRegister(pageCount: limit, remoteAccess: true)
            var registered = try adapter.createMemoryRegion(.registered)
            #expect(throws: RegionError.neverFastRegisters) {
                try registered.initializeFastRegister(pageCount: 1, remoteAccess: true)
            }
            drop(region)
            drop(registered)
        }
    }

    @Test("[68] rights for a peer are refused where the region was initialized without remote access")
    func noRemoteAccess() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            let region = try adapter.fastRegion(remoteAccess: false)
            for access in [RegionAccess.remoteRead, .remoteWrite] {
                expectRefused(.region(.noRemoteAccess)) { () throws(PostError) in
                    _ = try queuePair.fastRegisterAll(region, over: mapping, access: access)
                }
            }
            #expect(device.sends(on: queuePair.number).isEmpty)
            mapping.releaseNow()
            drop(region)
        }
    }

    @Test(
        "[69] bytes beyond the pages, or none, are refused",
        arguments: [(0, 2 * 4096 + 1), (1, 2 * 4096), (4095, 4098), (4096, 1), (-1, 1), (0, 0), (0, -1), (8, Int.max)])
    func beyondPages(offset: Int, length: Int) async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map(pages: 2)
            let region = try adapter.fastRegion()
            expectRefused(
                .region(.beyondPages(firstByteOffset: offset, length: length, pageCount: 2))
            ) { () throws(PostError) in
                _ = try queuePair.fastRegister(
                    region, pages: mapping.pages, firstByteOffset: offset, length: length,
                    baseAddress: 1 << 20 + UInt64(max(0, offset)), access: .remoteRead)
            }
            #expect(device.sends(on: queuePair.number).isEmpty)
            mapping.releaseNow()
            drop(region)
        }
    }

    @Test(
        "[70] [71] a base with another offset within a page, or over the end of the address space, is refused",
        arguments: [
            (0, 1), (8, 0), (8, 4096), (8, 16), (0, UInt64.max), (0, UInt64.max - 4095), (8, UInt64.max - 4095 + 8),
        ])
    func base(offset: Int, base: UInt64) async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map(pages: 2)
            let region = try adapter.fastRegion()
            expectRefused(.region(.badBase(address: base, firstByteOffset: offset))) { () throws(PostError) in
                _ = try queuePair.fastRegister(
                    region, pages: mapping.pages, firstByteOffset: offset, length: 4096, baseAddress: base,
                    access: .remoteRead)
            }
            #expect(device.sends(on: queuePair.number).isEmpty)
            mapping.releaseNow()
            drop(region)
        }
    }

    @Test("[71] pages that do not follow each other in one mapping are refused, and never taken for others")
    func pages() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map(pages: 3)
            let other = try adapter.map(pages: 1)
            let region = try adapter.fastRegion()
            let pages = Array(mapping.pages)
            let lists: [(pages: [LogicalAddress], PostError)] = [
                ([pages[0], pages[2]], .region(.pagesNotConsecutive(index: 1))),
                ([pages[1], pages[0]], .region(.pagesNotConsecutive(index: 1))),
                ([pages[0], other.pages[0]], .region(.pagesNotConsecutive(index: 1))),
                ([pages[0].advanced(by: 8)], .region(.pagesNotConsecutive(index: 0))),
                ([pages[2], pages[2].advanced(by: fakePageSize)], .beyondMapping(element: 0)),
                ([LogicalAddress(rawValue: 0)], .unknownAddress(element: 0)),
                ([LogicalAddress(rawValue: 1 << 63)], .unknownAddress(element: 0)),
            ]
            for (pages, error) in lists {
                expectRefused(error) { () throws(PostError) in
                    _ = try queuePair.fastRegister(
                        region, pages: pages, firstByteOffset: 0, length: pages.count * fakePageSize,
                        baseAddress: 0, access: .remoteRead)
                }
            }
            #expect(device.sends(on: queuePair.number).isEmpty)
            #expect(region.remoteMemory == nil)
            mapping.releaseNow()
            other.releaseNow()
            drop(region)
        }
    }

    @Test("[76] a second registration is refused, and the queue pair stays usable")
    func twice() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            let region = try adapter.fastRegion()
            let remote = try queuePair.fastRegisterAll(region, over: mapping)
            for isComplete in [false, true] {
                if isComplete {
                    device.complete(queuePair.number)
                    #expect(completions.take(1).map(\.status) == [.success])
                }
                expectRefused(.region(.alreadyRegistered)) { () throws(PostError) in
                    _ = try queuePair.fastRegisterAll(region, over: mapping, at: 0x5000)
                }
            }
            #expect(region.remoteMemory == remote)
            try queuePair.send(mapping, 0..<8)
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.status) == [.success])
            drop(region)
            mapping.releaseNow()
        }
    }

    @Test("[77] what is not registered, or not on this queue pair, is not invalidated; nothing reaches the device (T1)")
    func invalidation() async throws {
        try await withFakeAdapter { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            var other = try adapter.connectedQueuePair(completions)
            let mapping = try adapter.map()
            let region = try adapter.fastRegion()
            expectRefused(.region(.notRegistered)) { () throws(PostError) in try queuePair.invalidate(region) }
            _ = try queuePair.fastRegisterAll(region, over: mapping)
            expectRefused(.region(.stillRegistering)) { () throws(PostError) in try queuePair.invalidate(region) }
            device.complete(queuePair.number)
            _ = completions.take(1)
            expectRefused(.region(.registeredElsewhere)) { () throws(PostError) in try other.invalidate(region) }
            try queuePair.invalidate(region)
            expectRefused(.region(.notRegistered)) { () throws(PostError) in try queuePair.invalidate(region) }
            device.complete(queuePair.number)
            _ = completions.take(1)
            expectRefused(.region(.notRegistered)) { () throws(PostError) in try queuePair.invalidate(region) }
            #expect(device.sends(on: queuePair.number).isEmpty)
            #expect(device.sends(on: other.number).isEmpty)
            try queuePair.send(mapping, 0..<8)
            mapping.release()
            drop(region)
        }
    }

    @Test("[78] a region that was registered without a request is not invalidated by one")
    func registered() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let region = try adapter.registeredRegion()
            let element = try region.registered(0..<8)
            expectRefused(.region(.notInvalidated)) { () throws(PostError) in try queuePair.invalidate(region) }
            #expect(device.sends(on: queuePair.number).isEmpty)
            try queuePair.send(CollectionOfOne(element).span)
            queuePair.close()
            drop(region)
        }
    }

    @Test("of another adapter's region or pages, or before the connection, holds nothing")
    func foreign() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.createQueuePair(completions: completions)
            let other = try Adapter.open(over: device.verbs)
            let foreign = try other.fastRegion()
            let region = try adapter.fastRegion()
            let mapping = try adapter.map()
            let regions = device.regions.count
            expectRefused(.notConnected) { () throws(PostError) in
                _ = try queuePair.fastRegisterAll(region, over: mapping, at: 0x5000)
            }
            #expect(device.callCount(.registerRegion) == regions, "nothing was registered in vain")
            try queuePair.connect(to: queuePair.address)
            expectRefused(.region(.otherAdapter)) { () throws(PostError) in
                _ = try queuePair.fastRegisterAll(foreign, over: mapping)
            }
            mapping.releaseNow()
            drop(region)
            drop(foreign)
        }
    }

    @Test("of pages that are nobody's mapping, though a region's memory has their addresses, holds nothing")
    func hiddenAddress() async throws {
        try await withFakeAdapter { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let other = try Adapter.open(over: device.verbs)
            let buffer = try PageBuffer(count: fakePageSize)
            var registered = try adapter.createMemoryRegion(.registered)
            try registered.register(over: buffer, access: [.remoteRead, .remoteWrite])
            // The first mapping of either adapter: the addresses are the same.
            let foreign = try other.buildLam(over: buffer)
            let region = try adapter.fastRegion()
            expectRefused(.unknownAddress(element: 0)) { () throws(PostError) in
                _ = try queuePair.fastRegisterAll(region, over: foreign)
            }
            foreign.releaseNow()
            drop(region)
            drop(registered)
        }
    }

    @Test("that the device, the budget or the queue has no room for leaves nothing behind")
    func noRoom() async throws {
        try await withFakeAdapter(options: AdapterOptions(pinBudget: 3 * fakePageSize)) { adapter, device in
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let region = try adapter.fastRegion()
            let mapping = try adapter.map(pages: 2)
            let pinned = (device.pinnedPageCount, adapter.statistics.pinnedBytes)
            #expect(throws: PostError.self) {
                _ = try queuePair.fastRegisterAll(region, over: mapping, at: 0x5000)
            }
            device.inject(ENOMEM, into: .registerRegion)
            #expect(throws: PostError.self) {
                _ = try queuePair.fastRegister(
                    region, pages: mapping.pages, firstByteOffset: 0, length: 8, baseAddress: 0x5000,
                    access: .remoteRead)
            }
            device.inject(ENOMEM, into: .postSend)
            #expect(throws: PostError.verbFailed(verb: "ibv_post_send", errno: ENOMEM)) {
                _ = try queuePair.fastRegister(
                    region, pages: mapping.pages, firstByteOffset: 0, length: 8, baseAddress: 0x5000,
                    access: .remoteRead)
            }
            #expect((device.pinnedPageCount, adapter.statistics.pinnedBytes) == pinned)
            #expect(region.remoteMemory == nil)
            _ = try queuePair.fastRegister(
                region, pages: mapping.pages, firstByteOffset: 0, length: 8, baseAddress: 0x5000, access: .remoteRead)
            device.complete(queuePair.number)
            #expect(completions.take(1).map(\.status) == [.success])
            drop(region)
            mapping.releaseNow()
        }
    }
}

/// Expects a post that is refused with this error.
private func expectRefused(
    _ expected: PostError, sourceLocation: SourceLocation = #_sourceLocation, _ post: () throws(PostError) -> Void
) {
    do {
        try post()
        Issue.record("it was posted", sourceLocation: sourceLocation)
    } catch {
        #expect(error == expected, sourceLocation: sourceLocation)
        #expect(!error.description.isEmpty, sourceLocation: sourceLocation)
    }
}
