import LAM
import Synchronization
import TestSupport
import Testing

extension OnDevice {
    /// Mappings beside each other, rules L9 and L20.
    @Suite("Several mappings")
    struct SeveralMappingsTests {
        private static let page = DeviceMemory.pageSize

        @Test("[29] two mappings of the same memory are independent, and each page counts twice")
        func sameMemory() throws {
            var pair = try Pair()
            let memory = try DeviceMemory(pages: 1)
            memory.fill(seed: 29)
            let sink = try PageBuffer(count: 16)
            let received = try pair.adapter.buildLam(over: sink)
            let before = try DeviceOracle.pinnedKilobytes()
            let first = try unsafe pair.adapter.buildLam([memory.descriptor()])
            let second = try unsafe pair.adapter.buildLam([memory.descriptor()])
            #expect(try DeviceOracle.pinnedKilobytes() == before + 2 * Self.page / 1024)
            let isDistinct = first.baseAddress != second.baseAddress
            #expect(isDistinct)
            expectIdle(first)
            #expect(try DeviceOracle.pinnedKilobytes() == before + Self.page / 1024)
            try pair.far.queuePair.receive(into: received, 0..<16)
            try pair.near.queuePair.send(second, 8..<24)
            #expect(try pair.far.completions.next()[0].status == .success)
            #expect(sink.copyOut() == DeviceMemory.filled(8..<24, seed: 29))
            _ = try pair.near.completions.next()
            expectIdle(second)
            expectIdle(received)
            try pair.close()
        }

        @Test("[30] mappings of adjacent memory are not logically adjacent, and no element spans them")
        func adjacentMemory() throws {
            var pair = try Pair()
            let memory = try DeviceMemory(pages: 2)
            let low = try unsafe pair.adapter.buildLam([memory.descriptor(0, Self.page)])
            let high = try unsafe pair.adapter.buildLam([memory.descriptor(Self.page, Self.page)])
            let distance = low.baseAddress.distance(to: high.baseAddress)
            #expect(abs(distance) >= 2 * Self.page, "at least one page lies between them")
            for mapping in [low.element, high.element] {
                var element = mapping
                element.length = UInt32(Self.page + 1)
                expectRefused(.beyondMapping(element: 0)) { () throws(PostError) in
                    try pair.near.queuePair.send([element].span)
                }
            }
            expectIdle(low)
            expectIdle(high)
            try pair.close()
        }

        @Test("[30] a range that was released is not given to the next mapping of the same memory")
        func releasedRange() throws {
            let adapter = try Pair.openAdapter()
            let memory = try DeviceMemory(pages: 1)
            var seen: Set<LogicalAddress> = []
            for _ in 0..<50 {
                let mapping = try unsafe adapter.buildLam([memory.descriptor()])
                seen.insert(mapping.baseAddress)
                expectIdle(mapping)
            }
            #expect(seen.count == 50)
        }

        @Test("[32] builds of several threads give distinct mappings, and none is lost in the counts")
        func threads() async throws {
            let adapter = try Pair.openAdapter()
            let before = try DeviceOracle.pinnedKilobytes()
            let seen = Addresses()
            let threads = 4
            let mappingsEach = 25
            try await withThrowingTaskGroup { group in
                for _ in 0..<threads {
                    group.addTask {
                        for _ in 0..<mappingsEach {
                            let mapping = try adapter.buildLam(over: PageBuffer(count: Self.page + 1))
                            seen.insert(mapping.baseAddress)
                            mapping.release()
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(seen.count == threads * mappingsEach)
            try adapter.close(waiting: .seconds(10))
            let statistics = adapter.statistics
            #expect(statistics.builds == threads * mappingsEach)
            #expect(statistics.releases == threads * mappingsEach)
            #expect(statistics.pinnedBytes == 0)
            #expect(try DeviceOracle.pinnedKilobytes() == before - Self.page / 1024, "also the token's page is gone")
        }

        @Test("[32] mappings that live side by side are all pinned and all listed by the kernel")
        func sideBySide() throws {
            let adapter = try Pair.openAdapter()
            let before = try DeviceOracle.now()
            let count = 20
            let buffers = try (0..<count).map { _ in try PageBuffer(count: Self.page) }
            let kept = try buffers.map { Kept(try adapter.buildLam(over: $0)) }
            let during = try DeviceOracle.now()
            #expect(during.regionCount == before.regionCount + count)
            #expect(during.pinnedKilobytes == before.pinnedKilobytes + count * Self.page / 1024)
            #expect(adapter.statistics.pinnedBytes == count * Self.page)
            kept.forEach { $0.release() }
            try adapter.close(waiting: .seconds(10))
        }
    }
}

/// Addresses that several threads gather.
private final class Addresses: Sendable {
    private let addresses = Mutex<Set<LogicalAddress>>([])

    func insert(_ address: LogicalAddress) {
        addresses.withLock { _ = $0.insert(address) }
    }

    var count: Int { addresses.withLock { $0.count } }
}

/// A mapping in a place that can be copied.
final class Kept: Sendable {
    private let mapping: Mutex<LogicalAddressMapping?>

    init(_ mapping: consuming sending LogicalAddressMapping) {
        self.mapping = Mutex(mapping)
    }

    func release() {
        mapping.withLock { $0 = nil }
    }
}
