import LAM

/// What rping's client sends: where its memory is, in 16 bytes, big-endian.
struct RpingAdvert: Equatable {
    static let byteCount = 16

    var memory: RemoteMemory
    var size: Int

    init(memory: RemoteMemory, size: Int) {
        self.memory = memory
        self.size = size
    }

    init(_ bytes: [UInt8]) {
        func number(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }
        memory = RemoteMemory(address: number(0..<8), key: UInt32(number(8..<12)))
        size = Int(number(12..<16))
    }

    var bytes: [UInt8] {
        func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
            stride(from: number.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> $0) }
        }
        return bytes(memory.address) + bytes(memory.key) + bytes(UInt32(size))
    }
}
