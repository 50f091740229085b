import Glibc
import LAM
import TestSupport
import Testing

extension OnDevice {
    /// Memory from wherever a program may have it: each kind crosses the device intact, and is as before afterwards.
    @Suite("Memory of every kind")
    struct MemoryKindTests {
        private static let page = DeviceMemory.pageSize

        @Test("[20] read-only pages are the source of a write, and cannot be made a sink")
        func readOnly() throws {
            let memory = try DeviceMemory(pages: 3)
            memory.fill(seed: 20)
            memory.protect(page: 0, count: 3, PROT_READ)
            var pair = try Pair()
            let target = try pair.openTarget(count: 3 * Self.page)
            let mapping = try unsafe pair.adapter.buildLam([memory.descriptor(5)], access: .readOnly)
            try pair.near.queuePair.write(mapping, 0..<mapping.length, to: target.remote)
            #expect(try pair.near.completions.next()[0].status == .success)
            #expect(target.buffer.copyOut(0..<mapping.length) == memory.bytes(5..<memory.length))
            expectRefused(.notWritable(element: 0)) { () throws(PostError) in
                try pair.near.queuePair.read(into: mapping, 0..<8, from: target.remote)
            }
            expectRefused(.notWritable(element: 0)) { () throws(PostError) in
                try pair.near.queuePair.receive(into: mapping, 0..<8)
            }
            expectIdle(mapping)
            target.close()
            try pair.close()
        }

        @Test(
            "shared, private, of a file or of none: data goes out and comes back",
            arguments: [MAP_SHARED, MAP_PRIVATE], [true, false])
        func mapped(sharing: CInt, hasFile: Bool) throws {
            let count = 3 * Self.page
            let file = hasFile ? try Self.temporaryFile(count: count) : -1
            defer { if hasFile { close(file) } }
            let address = unsafe mmap(
                nil, count, PROT_READ | PROT_WRITE, sharing | (hasFile ? 0 : MAP_ANONYMOUS), file, 0)
            #expect(unsafe address != MAP_FAILED)
            let memory = unsafe UnsafeMutableRawBufferPointer(start: address, count: count)
            defer { unsafe _ = munmap(address, count) }
            for index in 0..<count { unsafe memory[index] = UInt8(truncatingIfNeeded: index &* 7) }
            try unsafe expectRoundTrip(memory)
        }

        @Test("[31] a gigabyte is one mapping, whose last byte is reached")
        func gigabyte() throws {
            let count = 1 << 30
            let address = unsafe mmap(
                nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
            #expect(unsafe address != MAP_FAILED)
            defer { unsafe _ = munmap(address, count) }
            var pair = try Pair()
            let target = try pair.openTarget()
            let memory = MemoryDescriptor(address: UInt(bitPattern: address), length: count)
            let pinned = try DeviceOracle.pinnedKilobytes()
            let mapping = try unsafe pair.adapter.buildLam([memory])
            #expect(try DeviceOracle.pinnedKilobytes() == pinned + 1 << 20)
            #expect(mapping.pages.count == count / Self.page)
            unsafe address!.storeBytes(of: 31, toByteOffset: count - 1, as: UInt8.self)
            try pair.near.queuePair.write(mapping, count - 1..<count, to: target.remote)
            #expect(try pair.near.completions.next()[0].status == .success)
            #expect(target.buffer.copyOut(0..<1) == [31])
            expectIdle(mapping)
            #expect(try DeviceOracle.pinnedKilobytes() == pinned)
            target.close()
            try pair.close()
        }

        /// A file without a name.
        private static func temporaryFile(count: Int) throws -> CInt {
            var template = Array("/tmp/lam-XXXXXX".utf8CString)
            let file = unsafe template.withUnsafeMutableBufferPointer { path in
                let file = unsafe mkstemp(path.baseAddress!)
                unsafe unlink(path.baseAddress!)
                return file
            }
            guard file >= 0, ftruncate(file, count) == 0 else {
                throw DeviceProcess.Failure(description: "mkstemp: errno \(errno)")
            }
            return file
        }

        /// Writes the memory to a peer, overwrites it, and reads it back; each byte must return to its place.
        private func expectRoundTrip(_ memory: UnsafeMutableRawBufferPointer) throws {
            let contents = unsafe Array(memory)
            var pair = try Pair()
            let target = try pair.openTarget(count: memory.count)
            let descriptor = MemoryDescriptor(address: UInt(bitPattern: memory.baseAddress), length: memory.count)
            let mapping = try unsafe pair.adapter.buildLam([descriptor])
            try pair.near.queuePair.write(mapping, 0..<memory.count, to: target.remote)
            #expect(try pair.near.completions.next()[0].status == .success)
            unsafe memory.initializeMemory(as: UInt8.self, repeating: 0)
            try pair.near.queuePair.read(into: mapping, 0..<memory.count, from: target.remote)
            #expect(try pair.near.completions.next()[0].status == .success)
            #expect(unsafe Array(memory) == contents)
            expectIdle(mapping)
            target.close()
            try pair.close()
        }
    }
}
