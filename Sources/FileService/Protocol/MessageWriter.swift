/// Composes the bytes of one message.
struct MessageWriter {
    private(set) var bytes = [UInt8](repeating: 0, count: Message.byteCount)

    /// Writes what all messages have in common.
    mutating func begin(_ kind: UInt16) {
        put(Message.magic, at: 0)
        put(Message.version, at: 4)
        put(kind, at: 6)
    }

    /// Writes a number, the lowest byte first.
    mutating func put(_ number: some FixedWidthInteger & UnsignedInteger, at offset: Int) {
        for index in 0..<number.bitWidth / 8 {
            bytes[offset + index] = UInt8(truncatingIfNeeded: number >> (8 * index))
        }
    }

    /// Writes a text, cut behind the last character that fits whole.
    mutating func put(text: String) {
        var text = Substring(text)
        while text.utf8.count > Message.maxTextBytes { text.removeLast() }
        put(UInt16(text.utf8.count), at: 38)
        bytes.replaceSubrange(40..<40 + text.utf8.count, with: text.utf8)
    }
}
