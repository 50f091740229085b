import LAMCommand
import Testing

@Suite struct DemoResultTests {
    /// A demonstration that went as it must.
    static var good: DemoResult {
        var result = DemoResult(file: "/bin/file", byteCount: 40_803_128)
        for side in [\DemoResult.client, \DemoResult.server] {
            result[keyPath: side].built = 80
            result[keyPath: side].released = 80
            result[keyPath: side].deferred = 78
            result[keyPath: side].longestRelease = .milliseconds(3)
            result[keyPath: side].pinnedBefore = 0
            result[keyPath: side].pinnedDuring = 8244
            result[keyPath: side].pinnedAfter = 0
        }
        (result.regionsBefore, result.regionsDuring, result.regionsAfter) = (0, 20, 0)
        result.areEqual = true
        return result
    }

    @Test func `the last line of a good one is the documented one`() {
        #expect(Self.good.failures.isEmpty)
        #expect(Self.good.lines.last == "ok: 40803128 bytes, 160 mappings built, 160 released, 0 kB pinned")
        #expect(Self.good.lines.contains("memory regions that the kernel has: 0 before, 20 during, 0 after"))
    }

    @Test(
        arguments: [
            { $0.areEqual = false }, { $0.client.released = 79 }, { $0.server.released = 81 },
            { $0.client.deferred = 0 },
            { $0.server.deferred = 0 }, { $0.client.pinnedAfter = 4 }, { $0.server.pinnedAfter = 4 },
            { $0.regionsAfter = 1 },
        ] as [@Sendable (inout DemoResult) -> Void])
    func `whatever is not as it must be is a failure`(_ change: @Sendable (inout DemoResult) -> Void) {
        var result = Self.good
        change(&result)
        #expect(result.failures.count == 1)
        #expect(result.lines.last?.hasPrefix("failed: ") == true)
    }

    @Test func `without the program rdma the regions are not known, which is no failure`() {
        var result = Self.good
        (result.regionsBefore, result.regionsDuring, result.regionsAfter) = (nil, nil, nil)
        #expect(result.failures.isEmpty)
        #expect(result.lines.contains { $0.contains("not known") })
    }

    @Test func `a file without bytes defers nothing`() {
        var result = Self.good
        (result.client.deferred, result.server.deferred) = (0, 0)
        var empty = DemoResult(file: "/empty", byteCount: 0)
        (empty.client, empty.server, empty.areEqual) = (result.client, result.server, true)
        #expect(empty.failures.isEmpty)
    }
}
