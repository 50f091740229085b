import LAM
import TestSupport
import Testing

extension OnDevice {
    /// Which chains of descriptors are one range. Rules L1 to L3, trap T32.
    @Suite("The chain of a mapping")
    struct ChainTests {
        private static let page = DeviceMemory.pageSize

        /// Builds over a chain and expects a mapping of so many bytes.
        private func expectBuilt(
            _ descriptors: [MemoryDescriptor], length: Int, sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let adapter = try Pair.openAdapter()
            let mapping = try unsafe adapter.buildLam(descriptors, length: length)
            #expect(mapping.length == length, sourceLocation: sourceLocation)
            #expect(
                mapping.memory.address == descriptors.first { $0.length > 0 }?.address, sourceLocation: sourceLocation)
            expectIdle(mapping, sourceLocation: sourceLocation)
        }

        private func expectNotContiguous(
            _ descriptors: [MemoryDescriptor], at index: Int, length: Int, in memory: DeviceMemory,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let expected = descriptors[index - 1].address + UInt(descriptors[index - 1].length)
            let found = descriptors[index].address
            try expectRefused(
                descriptors, length: length, in: memory, by: Pair.openAdapter(),
                .notContiguous(descriptor: index, expectedAddress: expected, foundAddress: found),
                naming: [String(expected, radix: 16), String(found, radix: 16)], sourceLocation: sourceLocation)
        }

        @Test("[6] two adjacent descriptors are one mapping, and data crosses the seam intact")
        func adjacent() throws {
            var pair = try Pair()
            let memory = try DeviceMemory(pages: 2)
            memory.fill(seed: 6)
            let seam = 5000
            let chain = [memory.descriptor(50, seam - 50), memory.descriptor(seam, 3000)]
            let mapping = try unsafe pair.adapter.buildLam(chain)
            let sink = try PageBuffer(count: 8192)
            let received = try pair.adapter.buildLam(over: sink)
            try pair.far.queuePair.receive(into: received, 0..<8192)
            try pair.near.queuePair.send(mapping, 0..<mapping.length)
            #expect(try pair.far.completions.next()[0].byteCount == 7950)
            #expect(sink.copyOut(0..<7950) == DeviceMemory.filled(50..<8000, seed: 6))
            _ = try pair.near.completions.next()
            expectIdle(mapping)
            expectIdle(received)
            try pair.close()
        }

        @Test("[7] a gap within the length is refused")
        func gap() throws {
            let memory = try DeviceMemory(pages: 3)
            let chain = [memory.descriptor(0, Self.page), memory.descriptor(2 * Self.page, Self.page)]
            try expectNotContiguous(chain, at: 1, length: Self.page + 1, in: memory)
        }

        @Test("[8] a gap behind the length does not matter")
        func gapBehind() throws {
            let memory = try DeviceMemory(pages: 3)
            let chain = [memory.descriptor(0, Self.page), memory.descriptor(2 * Self.page, Self.page)]
            try expectBuilt(chain, length: Self.page)
        }

        @Test("[9] a descriptor before its predecessor is refused")
        func descending() throws {
            let memory = try DeviceMemory(pages: 2)
            let chain = [memory.descriptor(Self.page, Self.page), memory.descriptor(0, Self.page)]
            try expectNotContiguous(chain, at: 1, length: 2 * Self.page, in: memory)
        }

        @Test("[10] overlapping descriptors are refused")
        func overlapping() throws {
            let memory = try DeviceMemory(pages: 2)
            let chain = [memory.descriptor(0, Self.page), memory.descriptor(Self.page - 8, Self.page)]
            try expectNotContiguous(chain, at: 1, length: 2 * Self.page, in: memory)
        }

        @Test("[11] descriptors without bytes are passed over, wherever they point")
        func withoutBytes() throws {
            let memory = try DeviceMemory(pages: 2)
            let nowhere = MemoryDescriptor(address: 0, length: 0)
            try expectBuilt(
                [memory.descriptor(0, 10), nowhere, memory.descriptor(10, 0), memory.descriptor(10, Self.page)],
                length: Self.page + 10)
        }

        @Test("[12] more bytes than the chain has are refused")
        func tooFew() throws {
            let memory = try DeviceMemory(pages: 2)
            let chain = [memory.descriptor(0, 100), memory.descriptor(100, 100)]
            try expectRefused(
                chain, length: 201, in: memory, by: Pair.openAdapter(),
                .lengthExceedsDescriptors(asked: 201, available: 200), naming: ["201", "200"])
        }

        @Test("[13] no bytes are refused, also at an address for which verbs would pin a page", arguments: [0, 100])
        func noBytes(offset: Int) throws {
            let memory = try DeviceMemory(pages: 1)
            let adapter = try Pair.openAdapter()
            try expectRefused([memory.descriptor(offset)], length: 0, in: memory, by: adapter, .empty)
            try expectRefused([memory.descriptor(offset, 0)], length: nil, in: memory, by: adapter, .empty)
            try expectRefused([], length: nil, in: memory, by: adapter, .empty)
            try expectRefused([memory.descriptor(offset)], length: -1, in: memory, by: adapter, .empty)
        }

        @Test("[14] a range over the end of the address space is refused")
        func overflow() throws {
            let memory = try DeviceMemory(pages: 1)
            let last = UInt.max - 10
            try expectRefused(
                [MemoryDescriptor(address: last, length: 100)], in: memory, by: Pair.openAdapter(),
                .addressOverflow(address: last, length: 100), naming: [String(last, radix: 16), "100"])
        }

        @Test("[14] descriptors whose lengths overflow in sum are refused, also where no length is given")
        func sumOverflow() throws {
            let memory = try DeviceMemory(pages: 1)
            let adapter = try Pair.openAdapter()
            let end = memory.address + UInt(Int.max - 1)
            try expectRefused(
                [memory.descriptor(0, .max - 1), memory.descriptor(0, .max)], in: memory, by: adapter,
                .notContiguous(descriptor: 1, expectedAddress: end, foundAddress: memory.address))
        }

        @Test("[18] the chain is judged before its size, and before the memory is looked at")
        func chainFirst() throws {
            let memory = try DeviceMemory(pages: 1)
            let nowhere = UInt(64 << 10)
            let tooLong = [
                MemoryDescriptor(address: nowhere, length: 1 << 61),
                MemoryDescriptor(address: nowhere, length: 1 << 61),
            ]
            try expectNotContiguous(tooLong, at: 1, length: 1 << 62, in: memory)
        }

        @Test("[18] a contiguous chain that is longer than a mapping can be is refused for that")
        func tooLong() throws {
            let memory = try DeviceMemory(pages: 1)
            let adapter = try Pair.openAdapter()
            let asked = 1 << 62
            let limit = min(Int(clamping: adapter.info.maxRegistrationSize), 1 << 47)
            do {
                _ = try unsafe adapter.buildLam([MemoryDescriptor(address: 4096, length: asked)])
                Issue.record("it was built")
            } catch {
                guard case .tooLong(asked, let found) = error else { Issue.record("\(error)"); return }
                #expect(found <= limit)
                #expect(error.description.contains("\(asked)"))
            }
            #expect(try memory.areas().count == 1)
        }
    }
}
