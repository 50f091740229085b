import Glibc
import LAM
import Testing

@Suite("A page buffer")
struct PageBufferTests {
    @Test(
        "has as many zero bytes as were asked for, in pages of its own", arguments: [1, 4_095, 4_096, 4_097, 1 << 20])
    func zeroes(count: Int) throws {
        let buffer = try PageBuffer(count: count)
        let pageSize = PageSpan.hostPageSize
        #expect(buffer.count == count)
        #expect(buffer.allocatedBytes == (count + pageSize - 1) / pageSize * pageSize)
        #expect(buffer.descriptor.address % UInt(pageSize) == 0)
        #expect(buffer.descriptor.length == count)
        #expect(buffer.copyOut() == [UInt8](repeating: 0, count: count))
    }

    @Test("gives back what was copied in, and nothing else changes")
    func copies() throws {
        let buffer = try PageBuffer(count: 10)
        buffer.copyIn([1, 2, 3], at: 4)
        #expect(buffer.copyOut() == [0, 0, 0, 0, 1, 2, 3, 0, 0, 0])
        #expect(buffer.copyOut(5..<7) == [2, 3])
        buffer.copyIn([9], at: 9)
        #expect(buffer.copyOut(9..<10) == [9])
        buffer.copyIn([], at: 10)
        #expect(buffer.copyOut(10..<10) == [])
    }

    @Test("copies out into memory of the caller")
    func copiesOut() throws {
        let buffer = try PageBuffer(count: 10)
        buffer.copyIn([1, 2, 3], at: 7)
        var target = [UInt8](repeating: 7, count: 4)
        copy(from: buffer, at: 6, into: &target)
        #expect(target == [0, 1, 2, 3])
    }

    private func copy(from buffer: PageBuffer, at offset: Int, into target: inout [UInt8]) {
        var elements = target.mutableSpan
        // Every byte pattern is a UInt8.
        var bytes = unsafe elements.mutableBytes
        buffer.copyOut(from: offset, into: &bytes)
    }

    @Test("copies within itself where the parts overlap")
    func overlappingCopy() throws {
        let buffer = try PageBuffer(count: 6)
        buffer.copyIn([1, 2, 3, 4])
        buffer.withBytes(in: 0..<4) { (bytes) in buffer.copyIn(bytes, at: 2) }
        #expect(buffer.copyOut() == [1, 2, 1, 2, 3, 4])
    }

    @Test("lends its bytes for reading and for writing")
    func spans() throws {
        let buffer = try PageBuffer(count: 100)
        buffer.withMutableBytes(in: 8..<16) { (bytes) in
            bytes.storeBytes(of: 0x0102_0304_0506_0708, as: UInt64.self)
        }
        let read = buffer.withBytes { (bytes) in
            #expect(bytes.byteCount == 100)
            // Any eight bytes are a UInt64.
            return unsafe bytes.unsafeLoad(fromByteOffset: 8, as: UInt64.self)
        }
        #expect(read == 0x0102_0304_0506_0708)
    }

    @Test("what a closure throws comes through, typed")
    func throwing() throws {
        let buffer = try PageBuffer(count: 1)
        #expect(throws: MappingError.empty) {
            try buffer.withBytes { (_) throws(MappingError) in throw .empty }
        }
    }

    @Test("refuses to be empty", arguments: [0, -1, Int.min])
    func empty(count: Int) {
        #expect(throws: MappingError.empty) { try PageBuffer(count: count) }
    }

    @Test("names the size that the system refused", arguments: [Int.max, 1 << 60])
    func refused(count: Int) {
        #expect(throws: MappingError.allocationFailed(bytes: count, errno: ENOMEM)) { try PageBuffer(count: count) }
    }

    @Test("gives its pages back with its last reference")
    func lifetime() async {
        // In a process of its own, where no other test maps memory into the gap.
        await #expect(processExitsWith: .success) {
            var buffer: PageBuffer? = try PageBuffer(count: 64 << 20)
            let first = try MemoryChain([buffer!.descriptor], length: 64 << 20)
            let whileAlive = MemoryFault.diagnose(first, writable: true)
            buffer = nil
            let afterwards = MemoryFault.diagnose(first, writable: true)
            guard whileAlive == nil, afterwards == .unmapped(address: first.address) else {
                fatalError("alive: \(String(describing: whileAlive)), afterwards: \(String(describing: afterwards))")
            }
        }
    }

    @Test("stays alive while it lends a pointer")
    func lentPointer() async {
        await #expect(processExitsWith: .success) {
            let isKept = unsafe try PageBuffer(count: 1 << 20).withUnsafeMutableBytes { (bytes) in
                unsafe bytes.storeBytes(of: 5, toByteOffset: 4_096, as: UInt8.self)
                return unsafe bytes[4_096] == 5
            }
            guard isKept else { fatalError("the byte was lost") }
        }
    }

    @Test("traps on bytes that it does not have")
    func bounds() async {
        let outcomes = [
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                try PageBuffer(count: 10).copyIn([1, 2, 3], at: 8)
            },
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                try PageBuffer(count: 10).copyIn([1], at: -1)
            },
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                try PageBuffer(count: 10).copyIn([], at: 11)
            },
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                _ = try PageBuffer(count: 10).copyOut(5..<11)
            },
            await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                try PageBuffer(count: 10).withMutableBytes(in: -1..<5) { _ in }
            },
        ]
        for outcome in outcomes {
            let text = outcome.map { (result) in String(decoding: result.standardErrorContent, as: UTF8.self) }
            #expect(text?.contains("of a buffer of 10 bytes") == true)
        }
    }
}
