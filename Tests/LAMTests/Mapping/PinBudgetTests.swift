import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

/// What an adapter may pin at a time.
@Suite("A budget of pinned bytes")
struct PinBudgetTests {
    private static func pages(_ count: Int) -> AdapterOptions {
        AdapterOptions(pinBudget: count * fakePageSize)
    }

    @Test("is filled to the last page, and then refuses with the numbers")
    func refusal() async throws {
        try await withFakeAdapter(options: Self.pages(4)) { adapter, device in
            let first = try adapter.map(pages: 3)
            let error = try #require(throws: MappingError.self) { _ = try adapter.map(pages: 2) }
            guard case .overBudget(let report) = error else { throw error }
            #expect(report.askedBytes == 2 * fakePageSize)
            #expect(report.pinnedBytes == 3 * fakePageSize)
            #expect(report.limit == 4 * fakePageSize)
            #expect(report.source == .option)
            #expect("\(error)".contains("AdapterOptions.pinBudget"))
            let second = try adapter.map()
            #expect(adapter.statistics.pinnedBytes == 4 * fakePageSize)
            first.releaseNow()
            second.releaseNow()
            #expect(adapter.statistics.pinnedBytes == 0)
            try adapter.map(pages: 4).releaseNow()
        }
    }

    @Test("counts pages, not bytes, and a page of two mappings twice")
    func pages() async throws {
        try await withFakeAdapter(options: Self.pages(2)) { adapter, device in
            let buffer = try PageBuffer(count: 1)
            let first = try adapter.buildLam(over: buffer)
            let second = try adapter.buildLam(over: buffer)
            #expect(throws: MappingError.self) { _ = try adapter.buildLam(over: buffer) }
            first.releaseNow()
            second.releaseNow()
        }
    }

    @Test("has a build wait for what was released and is idle")
    func waiting() async throws {
        try await withFakeAdapter(options: Self.pages(2)) { adapter, device in
            for _ in 0..<100 {
                // Both are idle, and pinned until the reaper comes.
                try adapter.map().release()
                try adapter.map().release()
                try adapter.map(pages: 2).release()
            }
        }
    }

    @Test("has a build wait no longer than for what is idle: a mapping in use is not unpinned for it")
    func inUse() async throws {
        try await withFakeAdapter(options: Self.pages(1)) { adapter, device in
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let busy = try adapter.map()
            try queuePair.receive(into: busy, 0..<8)
            busy.release()
            #expect(throws: MappingError.self) { _ = try adapter.map() }
            #expect(adapter.statistics.pendingReleases == 1)
            queuePair.close()
            try adapter.map().releaseNow()
            #expect(adapter.statistics.pendingReleases == 0)
        }
    }

    @Test("is not used up by builds that fail")
    func failures() async throws {
        try await withFakeAdapter(options: Self.pages(1)) { adapter, device in
            for code in [EAGAIN, ENOMEM, EFAULT] {
                device.inject(code, into: .registerRegion)
                #expect(throws: MappingError.self) { _ = try adapter.map() }
            }
            try adapter.map().releaseNow()
        }
    }

    @Test("of the system is waited for in the same way")
    func system() async throws {
        // The adapter's token has a page, too.
        try await withFakeAdapter(over: FakeDevice(pinnedPageLimit: 3)) { adapter, device in
            for _ in 0..<100 { try adapter.map(pages: 2).release() }
            #expect(throws: MappingError.self) { _ = try adapter.map(pages: 3) }
        }
    }

    @Test("leaves as many registrations as the device has, and one for the adapter itself")
    func registrations() async throws {
        let device = FakeDevice(regionLimit: 3)
        try await withFakeAdapter(over: device) { adapter, device in
            let first = try adapter.map()
            let second = try adapter.map()
            let calls = device.callCount(.registerRegion)
            #expect(throws: MappingError.tooManyMappings(limit: 3)) { _ = try adapter.map() }
            #expect(device.callCount(.registerRegion) == calls, "the device was not asked")
            first.releaseNow()
            try adapter.map().releaseNow()
            second.releaseNow()
        }
    }
}
