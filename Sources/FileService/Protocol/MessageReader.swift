/// Reads the fields of one message that a peer sent.
struct MessageReader {
    private let bytes: [UInt8]

    /// Checks what all messages have in common.
    init(_ bytes: [UInt8]) throws(MessageError) {
        guard bytes.count == Message.byteCount else { throw .wrongLength(bytes.count) }
        self.bytes = bytes
        guard number(at: 0) == Message.magic else { throw .notAMessage }
        let version: UInt16 = number(at: 4)
        guard version == Message.version else { throw .unknownVersion(version) }
    }

    /// The number whose lowest byte is at `offset`; the layout's offsets all lie within a message.
    func number<Number: FixedWidthInteger & UnsignedInteger>(at offset: Int) -> Number {
        (0..<Number.bitWidth / 8).reduce(0) { number, index in number | Number(bytes[offset + index]) << (8 * index) }
    }

    /// The text; the peer's length of it is checked against the room that a message has.
    func text() throws(MessageError) -> String {
        let length: UInt16 = number(at: 38)
        guard length <= Message.maxTextBytes else { throw .badField("the length of the text") }
        guard let text = String(validating: bytes[40..<40 + Int(length)], as: UTF8.self) else {
            throw .badField("the text, which is no UTF-8")
        }
        return text
    }
}

/// Why bytes from a peer are not understood.
package enum MessageError: Error, Hashable, Sendable {
    /// Messages have one length, and this is another.
    case wrongLength(Int)
    /// The bytes do not begin as every message does.
    case notAMessage
    /// The peer speaks another version of the protocol.
    case unknownVersion(UInt16)
    /// There is no such kind of message.
    case unknownKind(UInt16)
    /// A field has a value that it cannot have.
    case badField(String)
}

extension MessageError: CustomStringConvertible {
    /// What is wrong, for the log of the end that received it.
    package var description: String {
        switch self {
        case .wrongLength(let bytes): "a message of \(bytes) bytes; messages have \(Message.byteCount)"
        case .notAMessage: "a message that is not of this protocol"
        case .unknownVersion(let version):
            "a message of protocol version \(version); this `lam` speaks version \(Message.version): use equal versions"
        case .unknownKind(let kind): "a message of the unknown kind \(kind)"
        case .badField(let field): "a message with a bad field: \(field)"
        }
    }
}
