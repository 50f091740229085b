import Glibc
import LAM
import TestSupport
import Testing

extension OnDevice {
    /// Memory that cannot be mapped, and what the error says. Rule L12: nothing stays pinned.
    @Suite("Memory that is refused")
    struct RefusedMemoryTests {
        private static let page = DeviceMemory.pageSize

        @Test("[19] a hole is refused, and the error names its address", arguments: [0, 1, 3])
        func hole(page: Int) throws {
            let memory = try DeviceMemory(pages: 4)
            memory.fill(seed: 19)
            memory.unmap(page: page)
            let address = memory.address + UInt(page * Self.page)
            try expectRefused(
                [memory.descriptor()], in: memory, by: Pair.openAdapter(), .unmapped(address: address),
                naming: [String(address, radix: 16)])
        }

        @Test("[19] a range of which nothing is mapped is refused")
        func nothing() throws {
            let memory = try DeviceMemory(pages: 1)
            let address = UInt(64 << 10)
            try expectRefused(
                [MemoryDescriptor(address: address, length: 10)], in: memory, by: Pair.openAdapter(),
                .unmapped(address: address), naming: [String(address, radix: 16)])
        }

        @Test("[20] memory that may not be written is refused, and the error names its address", arguments: [0, 2])
        func readOnly(page: Int) throws {
            let memory = try DeviceMemory(pages: 3)
            memory.fill(seed: 20)
            memory.protect(page: page, count: 1, PROT_READ)
            let address = memory.address + UInt(page * Self.page)
            try expectRefused(
                [memory.descriptor()], in: memory, by: Pair.openAdapter(), .notWritable(address: address),
                naming: [String(address, radix: 16)])
            #expect(
                memory[page * Self.page] == DeviceMemory.filled(page * Self.page..<page * Self.page + 1, seed: 20)[0])
        }

        @Test("[20] memory that may not be touched at all is refused")
        func untouchable() throws {
            let memory = try DeviceMemory(pages: 2)
            memory.protect(page: 1, count: 1, PROT_NONE)
            let address = memory.address + UInt(Self.page)
            try expectRefused(
                [memory.descriptor(4090, 10)], in: memory, by: Pair.openAdapter(), .notWritable(address: address))
        }

        @Test("[24] a failure of any kind leaves the range free: the next build of the same memory succeeds")
        func buildAfterFailure() throws {
            // After the registration nothing can fail any more: the place in the table is reserved before it, and
            // publishing does not allocate. What is left to test on a device is that the reservation is given back.
            let adapter = try Pair.openAdapter()
            let memory = try DeviceMemory(pages: 2)
            memory.protect(page: 1, count: 1, PROT_READ)
            for _ in 0..<3 {
                let address = memory.address + UInt(Self.page)
                try expectRefused([memory.descriptor()], in: memory, by: adapter, .notWritable(address: address))
            }
            memory.protect(page: 1, count: 1, PROT_READ | PROT_WRITE)
            let mapping = try unsafe adapter.buildLam([memory.descriptor()])
            #expect(adapter.statistics.builds == 1)
            #expect(adapter.statistics.liveMappings == 1)
            expectIdle(mapping)
        }
    }
}
