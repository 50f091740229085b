import Glibc
import LAM
import TestSupport
import Testing
import enum Verbs.Verb

@Suite("An arena")
struct ArenaTests {
    private static let kernelHasTransparentHugePages =
        unsafe access("/sys/kernel/mm/transparent_hugepage", F_OK) == 0

    @Test("registers once, and cuts mappings without another registration")
    func registersOnce() async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try adapter.createArena(ArenaOptions(budgetBytes: 1 << 20, slabBytes: 1 << 20))
            #expect(device.registrationCount == 0)
            for _ in 0..<5000 { try arena.buildLam(length: 4096).release() }
            #expect(device.registrationCount == 1)
            #expect(device.callCount(.registerRegion) == 2, "the token's and the slab's")
            #expect(arena.statistics.pinnedBytes == 1 << 20)
            #expect(adapter.statistics.pinnedBytes == 1 << 20)
        }
    }

    @Test("cuts what was asked: bytes, aligned to their size, with pages of their own")
    func shapes() async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try adapter.createArena(ArenaOptions(budgetBytes: 64 << 20))
            var ranges: [Range<UInt>] = []
            let kept = KeptMappings()
            for length in [1, 511, 512, 513, 4096, 4097, 100_000, 2 << 20, 8 << 20] {
                let mapping = try arena.buildLam(length: length)
                #expect(mapping.length == length)
                #expect(mapping.memory.length == length)
                var room = 512
                while room < length { room *= 2 }
                #expect(mapping.memory.address % UInt(min(room, 2 << 20)) == 0)
                #expect(mapping.firstByteOffset == Int(mapping.baseAddress.rawValue % UInt64(fakePageSize)))
                #expect(mapping.firstByteOffset == Int(mapping.memory.address % UInt(fakePageSize)))
                #expect(mapping.pages.first.map { $0.rawValue % UInt64(fakePageSize) } == 0)
                #expect(!ranges.contains { $0.overlaps(mapping.memory.range) })
                ranges.append(mapping.memory.range)
                kept.add(mapping)
            }
            #expect(arena.statistics.mappings == 9)
            #expect(throws: MappingError.empty) { _ = try arena.buildLam(length: 0) }
            #expect(throws: MappingError.empty) { _ = try arena.buildLam(length: -1) }
            #expect(throws: MappingError.tooLong(asked: 1 << 30 + 1, limit: 1 << 30)) {
                _ = try arena.buildLam(length: 1 << 30 + 1)
            }
        }
    }

    @Test(
        "takes huge pages of the pool, and asks for transparent ones where there are none",
        .enabled(if: kernelHasTransparentHugePages))
    func hugePages() async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try adapter.createArena(ArenaOptions(budgetBytes: 4 << 20))
            let mapping = try arena.buildLam(length: 4 << 20)
            let flag: Substring = arena.statistics.slabsOfPool == 1 ? "ht" : "hg"
            let areas = try mapping.memory.areas()
            #expect(!areas.isEmpty)
            #expect(areas.allSatisfy { $0.split(separator: " ").contains(flag) }, "\(areas)")
            mapping.releaseNow()
        }
    }

    @Test("lends the bytes of a mapping, within its bounds")
    func bytes() async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try smallArena(adapter)
            let mapping = try arena.buildLam(length: 1000)
            mapping.withMutableBytes { bytes in
                #expect(bytes.byteCount == 1000)
                for index in 0..<1000 {
                    bytes.storeBytes(of: UInt8(truncatingIfNeeded: index), toByteOffset: index, as: UInt8.self)
                }
            }
            let sum = mapping.withBytes(in: 10..<20) { bytes in
                (0..<10).reduce(0) { unsafe $0 + Int(bytes.unsafeLoad(fromByteOffset: $1, as: UInt8.self)) }
            }
            #expect(sum == (10..<20).reduce(0, +))
            // The same for memory that the library keeps otherwise.
            let buffer = try PageBuffer(count: 100)
            buffer.copyIn([7], at: 99)
            let other = try adapter.buildLam(over: buffer)
            let last = other.withBytes { unsafe $0.unsafeLoad(fromByteOffset: 99, as: UInt8.self) }
            #expect(last == 7)
            other.releaseNow()
        }
        await #expect(processExitsWith: .failure) {
            let adapter = try Adapter.open(over: FakeDevice().verbs)
            try smallArena(adapter).buildLam(length: 1000).withBytes(in: 0..<1001) { _ in }
        }
        await #expect(processExitsWith: .failure) {
            let adapter = try Adapter.open(over: FakeDevice().verbs)
            let buffer = try PageBuffer(count: 1)
            try unsafe adapter.buildLam([buffer.descriptor]).withBytes { _ in }
        }
    }

    @Test("[57] has requests name the slab to the device, at the place of the mapping, whichever way they are posted")
    func deviceAddresses() async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try smallArena(adapter, pages: 4)
            var completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let first = try arena.buildLam(length: 4096)
            let second = try arena.buildLam(length: 4096)
            // The first use of a mapping by a queue goes another way than the next ones.
            for _ in 0..<2 { try queuePair.send(second, 100..<200) }
            try queuePair.write([first.element(0..<8), second.element].span, to: RemoteMemory(address: 0, key: 1))
            for _ in 0..<2 { try queuePair.receive(into: first, 5..<6) }
            try queuePair.receive(into: [second.element(1..<2)].span)
            let (start, other) = (first.memory.address, second.memory.address)
            #expect(
                Set(device.memoryInUse) == [
                    other + 100..<other + 200, start..<start + 8, other..<other + 4096, start + 5..<start + 6,
                    other + 1..<other + 2,
                ])
            device.complete(queuePair.number, sends: 3)
            for _ in 0..<3 { device.completeReceive(queuePair.number, byteCount: 1) }
            #expect(completions.take(6).allSatisfy { $0.status == .success })
        }
    }

    @Test("[59] has no address of the slab itself mean anything to a request")
    func slabIsUnnamed() async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try smallArena(adapter)
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try arena.buildLam(length: 4096)
            let region = try #require(device.regions.last)
            let element = ScatterGatherElement(
                address: LogicalAddress(rawValue: region.deviceAddress), length: 1, token: adapter.privilegedToken)
            #expect(throws: PostError.unknownAddress(element: 0)) { try queuePair.send([element].span) }
            mapping.releaseNow()
        }
    }

    @Test("[40] gives its bytes to inline requests, which copy them and hold nothing")
    func inline() async throws {
        try await withFakeAdapter { adapter, device in
            let arena = try smallArena(adapter)
            let completions = try adapter.createCompletionQueue(depth: 8)
            var queuePair = try adapter.connectedQueuePair(completions)
            let mapping = try arena.buildLam(length: 4096)
            mapping.withMutableBytes { bytes in
                for index in 0..<16 { bytes.storeBytes(of: UInt8(index), toByteOffset: index, as: UInt8.self) }
            }
            try queuePair.send([mapping.element(3..<5), mapping.element(9..<10)].span, flags: .inline)
            let sent = try #require(device.sends(on: queuePair.number).first?.elements.first)
            #expect(sent.length == 3)
            let copy = unsafe UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: UInt(sent.address)), count: 3)
            #expect(unsafe Array(copy) == [3, 4, 9])
            mapping.releaseNow()
        }
    }
}
