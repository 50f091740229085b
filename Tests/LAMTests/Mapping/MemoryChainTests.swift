import LAM
import Testing

@Suite("A chain of descriptors")
struct MemoryChainTests {
    private func descriptor(_ address: UInt, _ length: Int) -> MemoryDescriptor {
        MemoryDescriptor(address: address, length: length)
    }

    @Test("[6] two adjacent descriptors are one range")
    func adjacent() throws {
        let chain = try MemoryChain([descriptor(0x1064, 100), descriptor(0x10C8, 50)], length: 150)
        #expect(chain.address == 0x1064)
        #expect(chain.length == 150)
    }

    @Test("a part of the chain can be asked for")
    func part() throws {
        let chain = try MemoryChain([descriptor(0x1000, 100), descriptor(0x1064, 50)], length: 101)
        #expect(chain.length == 101)
        #expect(try MemoryChain([descriptor(0x1000, 100)], length: 1).length == 1)
    }

    @Test("[7] a gap within the length is refused, naming the descriptor behind it")
    func gap() {
        #expect(throws: MappingError.notContiguous(descriptor: 1, expectedAddress: 0x1064, foundAddress: 0x1065)) {
            try MemoryChain([descriptor(0x1000, 100), descriptor(0x1065, 50)], length: 101)
        }
    }

    @Test("[8] a gap after the length does not matter")
    func gapAfterLength() throws {
        let chain = try MemoryChain([descriptor(0x1000, 100), descriptor(0x9000, 50)], length: 100)
        #expect(chain.length == 100)
    }

    @Test("[9] a descriptor before its predecessor is refused")
    func descending() {
        #expect(throws: MappingError.notContiguous(descriptor: 1, expectedAddress: 0x2064, foundAddress: 0x1F9C)) {
            try MemoryChain([descriptor(0x2000, 100), descriptor(0x1F9C, 100)], length: 200)
        }
    }

    @Test("[10] overlapping descriptors are refused", arguments: [UInt(0x1000), 0x1063])
    func overlapping(second: UInt) {
        #expect(throws: MappingError.notContiguous(descriptor: 1, expectedAddress: 0x1064, foundAddress: second)) {
            try MemoryChain([descriptor(0x1000, 100), descriptor(second, 100)], length: 101)
        }
    }

    @Test("[11] descriptors without bytes are passed over wherever they stand and point", arguments: [UInt(0), 0x1064])
    func withoutBytes(address: UInt) throws {
        let empty = descriptor(address, 0)
        let chain = try MemoryChain(
            [empty, descriptor(0x1000, 100), empty, empty, descriptor(0x1064, 50), empty], length: 150)
        #expect(chain.address == 0x1000)
    }

    @Test("the index in an error counts descriptors without bytes, too")
    func indexCountsEmpty() {
        #expect(throws: MappingError.notContiguous(descriptor: 2, expectedAddress: 0x1064, foundAddress: 0x3000)) {
            try MemoryChain([descriptor(0x1000, 100), descriptor(0, 0), descriptor(0x3000, 1)], length: 101)
        }
    }

    @Test("[12] more bytes than the chain has are refused, also if it is discontiguous")
    func tooLong() {
        #expect(throws: MappingError.lengthExceedsDescriptors(asked: 151, available: 150)) {
            try MemoryChain([descriptor(0x1000, 100), descriptor(0x9000, 50)], length: 151)
        }
        #expect(throws: MappingError.lengthExceedsDescriptors(asked: 1, available: 0)) {
            try MemoryChain([], length: 1)
        }
    }

    @Test("[13] a length of 0 is refused for every address", arguments: [UInt(0), 0x1000, 0x1001, .max])
    func empty(address: UInt) {
        #expect(throws: MappingError.empty) { try MemoryChain([descriptor(address, 100)], length: 0) }
        #expect(throws: MappingError.empty) { try MemoryChain([descriptor(address, 0)], length: 0) }
        #expect(throws: MappingError.empty) { try MemoryChain([], length: 0) }
    }

    @Test("a negative length is refused like no length")
    func negative() {
        #expect(throws: MappingError.empty) { try MemoryChain([descriptor(0x1000, 100)], length: -1) }
        #expect(throws: MappingError.empty) { try MemoryChain([descriptor(0x1000, 100)], length: .min) }
    }

    @Test("[14] a range over the end of the address space is refused")
    func addressOverflow() {
        #expect(throws: MappingError.addressOverflow(address: .max - 9, length: 11)) {
            try MemoryChain([descriptor(.max - 9, 20)], length: 11)
        }
        // Its end would be 0, which verbs refuse.
        #expect(throws: MappingError.addressOverflow(address: .max - 9, length: 10)) {
            try MemoryChain([descriptor(.max - 9, 10)], length: 10)
        }
        #expect(throws: MappingError.addressOverflow(address: .max, length: .max)) {
            try MemoryChain([descriptor(.max, .max)], length: .max)
        }
    }

    @Test("[14] what runs over the end of the address space after the length does not matter")
    func overflowAfterLength() throws {
        #expect(try MemoryChain([descriptor(.max - 9, .max)], length: 9).length == 9)
    }

    @Test("descriptors that have more bytes together than an Int counts do not overflow the sum")
    func hugeSum() {
        let halves = [descriptor(0, .max), descriptor(UInt(Int.max), .max), descriptor(.max - 1, .max)]
        #expect(throws: Never.self) { try MemoryChain(halves, length: .max) }
    }

    @Test("descriptors are not changed and compare by value")
    func descriptors() {
        let bytes = [UInt8](repeating: 0, count: 3)
        let described = unsafe bytes.withUnsafeBytes { (buffer) in MemoryDescriptor(buffer) }
        #expect(described.length == 3)
        #expect(unsafe MemoryDescriptor(UnsafeRawBufferPointer(start: nil, count: 0)) == descriptor(0, 0))
        #expect(descriptor(0x1000, 5).description == "5 bytes at 0x1000")
    }

    @Test("a descriptor of negative length traps")
    func negativeDescriptor() async {
        await #expect(processExitsWith: .failure) { _ = MemoryDescriptor(address: 0, length: -1) }
    }
}

@Suite("A chain of descriptors against a model that lists every byte")
struct MemoryChainModelTests {
    /// One byte of a chain: its place, and the descriptor that it belongs to.
    private struct Byte {
        var address: UInt
        var descriptor: Int
    }

    private func bytes(of chain: [MemoryDescriptor]) -> [Byte] {
        chain.enumerated().flatMap { (index, descriptor) in
            (0..<descriptor.length).map { (offset) in
                Byte(address: descriptor.address &+ UInt(offset), descriptor: index)
            }
        }
    }

    /// What the rules say, by looking at one byte after the other.
    private func expectation(of chain: [MemoryDescriptor], length: Int) -> Result<UInt, MappingError> {
        let all = bytes(of: chain)
        guard length > 0 else { return .failure(.empty) }
        guard all.count >= length else {
            return .failure(.lengthExceedsDescriptors(asked: length, available: all.count))
        }
        let used = all.prefix(length)
        for (byte, next) in zip(used, used.dropFirst()) where next.address != byte.address + 1 {
            let error = MappingError.notContiguous(
                descriptor: next.descriptor, expectedAddress: byte.address + 1, foundAddress: next.address)
            return .failure(error)
        }
        return .success(used[0].address)
    }

    /// Mostly adjacent descriptors, with a gap, an overlap or a jump now and then.
    private func randomChain(using generator: inout SeededGenerator) -> [MemoryDescriptor] {
        var end = UInt.random(in: 100...130, using: &generator)
        return (0..<Int.random(in: 0...6, using: &generator)).map { _ in
            let jump = Int.random(in: 0..<8, using: &generator) == 0 ? Int.random(in: -20...20, using: &generator) : 0
            let length = Int.random(in: 0..<4, using: &generator) == 0 ? 0 : Int.random(in: 1...12, using: &generator)
            let descriptor = MemoryDescriptor(address: UInt(Int(end) + jump), length: length)
            end = descriptor.address + UInt(length)
            return descriptor
        }
    }

    @Test("[6-13] agrees with the model on 5000 random chains per seed", arguments: UInt64(1)...8)
    func agrees(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var accepted = 0
        for step in 0..<5_000 {
            let chain = randomChain(using: &generator)
            let length = Int.random(in: -1...40, using: &generator)
            let found = Result { () throws(MappingError) in try MemoryChain(chain, length: length) }
            #expect(
                found.map(\.address) == expectation(of: chain, length: length), "seed \(seed), step \(step), \(chain)")
            if case .success(let range) = found {
                accepted += 1
                #expect(range.length == length)
            }
        }
        // Both answers must be common, or the run says little.
        #expect((500...4_500).contains(accepted))
    }

    @Test("[14] agrees with the model at the end of the address space", arguments: UInt64(1)...8)
    func agreesAtTheTop(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for step in 0..<5_000 {
            let below = UInt.random(in: 0...30, using: &generator)
            let split = Int.random(in: 0...30, using: &generator)
            let first = MemoryDescriptor(address: .max - below, length: split)
            let chain = [first, MemoryDescriptor(address: first.address &+ UInt(split), length: 40)]
            let length = Int.random(in: 1...40, using: &generator)
            let isAccepted = (try? MemoryChain(chain, length: length)) != nil
            // The last byte of the address space is out of reach, because the end behind it would be 0.
            let firstByte = split == 0 ? chain[1].address : first.address
            let fits = UInt(length) <= UInt.max - firstByte
            #expect(isAccepted == fits, "seed \(seed), step \(step), \(chain), length \(length)")
        }
    }
}
