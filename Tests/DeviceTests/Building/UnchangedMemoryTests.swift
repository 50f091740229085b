import ForkProbe
import Glibc
import LAM
import TestSupport
import Testing

extension OnDevice {
    /// What a mapping leaves as it was. Rule L15, traps T27, T28 and T30.
    @Suite("Memory that was mapped")
    struct UnchangedMemoryTests {
        private static let page = DeviceMemory.pageSize

        @Test("[25] a build that returns has built: nothing is pending, and nothing is called later")
        func buildIsInline() throws {
            // Swift has no pending builds; that its completion is called exactly once is of the C interface.
            let adapter = try Pair.openAdapter()
            let memory = try DeviceMemory(pages: 1)
            let mapping = try unsafe adapter.buildLam([memory.descriptor()])
            #expect(try DeviceOracle.regions().count { $0.mrlen == Self.page } == 2, "the mapping and the token's page")
            expectIdle(mapping)
        }

        @Test("[26] the descriptors are as they were after a build and a release")
        func descriptors() throws {
            let adapter = try Pair.openAdapter()
            let memory = try DeviceMemory(pages: 2)
            let chain = [memory.descriptor(1, 0), memory.descriptor(10, 100), memory.descriptor(110, 100)]
            let before = chain.map { [$0.address, UInt($0.length)] }
            let mapping = try unsafe adapter.buildLam(chain, length: 150)
            #expect(chain.map { [$0.address, UInt($0.length)] } == before)
            expectIdle(mapping)
            #expect(chain.map { [$0.address, UInt($0.length)] } == before)
        }

        @Test("[27] contents, protection, flags, VmLck and VmPin are the same after a build and a release")
        func memory() throws {
            let adapter = try Pair.openAdapter()
            let memory = try DeviceMemory(pages: 4)
            memory.fill(seed: 27)
            let before = try (areas: memory.areas(), oracle: DeviceOracle.now())
            let mapping = try unsafe adapter.buildLam([memory.descriptor(100, 3 * Self.page)])
            #expect(try memory.areas() == before.areas)
            #expect(try DeviceOracle.now().lockedKilobytes == before.oracle.lockedKilobytes)
            #expect(try DeviceOracle.pinnedKilobytes() == before.oracle.pinnedKilobytes + 4 * Self.page / 1024)
            expectIdle(mapping)
            #expect(try memory.areas() == before.areas)
            #expect(try DeviceOracle.now() == before.oracle)
            #expect(memory.bytes(0..<memory.length) == DeviceMemory.filled(0..<memory.length, seed: 27))
        }

        @Test("[28] the user's own MADV_DONTFORK and mlock survive a build and a release, and a refused build")
        func advice() throws {
            let adapter = try Pair.openAdapter()
            let memory = try DeviceMemory(pages: 2)
            memory.advise(MADV_DONTFORK)
            try memory.lock()
            let before = try memory.areas()
            #expect(before.count == 1)
            #expect(before.allSatisfy { $0.contains(" dc") && $0.contains(" lo") }, "\(before)")
            let mapping = try unsafe adapter.buildLam([memory.descriptor()])
            #expect(try memory.areas() == before)
            expectIdle(mapping)
            #expect(try memory.areas() == before)
            memory.protect(page: 0, count: 1, PROT_READ)
            try expectRefused([memory.descriptor()], in: memory, by: adapter, .notWritable(address: memory.address))
        }

        @Test("[33] a child forked under a mapping keeps the old data, and the parent and the device see the new")
        func fork() throws {
            var pair = try Pair()
            let memory = try DeviceMemory(pages: 2)
            memory[0] = 1
            memory[Self.page] = 1
            let mapping = try unsafe pair.adapter.buildLam([memory.descriptor()])
            var child = fork_probe()
            #expect(unsafe fork_probe_start(&child) == 0)
            memory[0] = 2
            // The device reads what the parent wrote, and writes where the parent reads.
            try pair.far.queuePair.receive(into: mapping, Self.page..<Self.page + 1)
            try pair.near.queuePair.send(mapping, 0..<1)
            #expect(try pair.far.completions.next()[0].byteCount == 1)
            #expect(memory[Self.page] == 2)
            #expect(unsafe fork_probe_read(&child, UnsafePointer(bitPattern: memory.address)!) == 1)
            _ = try pair.near.completions.next()
            expectIdle(mapping)
            try pair.close()
        }
    }
}
