/// One line of `/proc/self/maps`: a run of pages with the same rights.
struct MemoryArea {
    var start: UInt = 0
    var end: UInt = 0
    var isReadable = false
    var isWritable = false
}

/// Reads the lines of `/proc/self/maps`, such as `7f00-7f80 rw-p 00000000 00:00 0  [heap]`, byte by byte.
///
/// So a list of any length needs no buffer, and it does not matter where a read cuts a line. Everything behind the
/// rights is skipped; the kernel escapes a newline in a file name.
struct MemoryAreaParser {
    enum Step {
        case incomplete
        case area(MemoryArea)
        /// The list does not look as expected, so nothing can be concluded from it.
        case malformed
    }

    /// What the next byte belongs to.
    private enum Field {
        case start
        case end
        case rights
        case rest
    }

    private var area = MemoryArea()
    private var field = Field.start

    mutating func take(_ byte: UInt8) -> Step {
        switch (field, byte) {
        case (.start, UInt8(ascii: "-")): field = .end
        case (.end, UInt8(ascii: " ")): field = .rights
        case (.start, _): return Self.append(byte, to: &area.start)
        case (.end, _): return Self.append(byte, to: &area.end)
        case (.rights, UInt8(ascii: "r")): area.isReadable = true
        case (.rights, UInt8(ascii: "w")): area.isWritable = true
        case (.rights, UInt8(ascii: " ")): field = .rest
        case (.rest, UInt8(ascii: "\n")): return finishLine()
        case (.rights, UInt8(ascii: "\n")): return .malformed
        case (.rights, _), (.rest, _): break
        }
        return .incomplete
    }

    private static func append(_ byte: UInt8, to number: inout UInt) -> Step {
        guard let digit = digit(byte), number >> 60 == 0 else { return .malformed }
        number = number << 4 | digit
        return .incomplete
    }

    private static func digit(_ byte: UInt8) -> UInt? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt(byte - UInt8(ascii: "a")) + 10
        default: nil
        }
    }

    private mutating func finishLine() -> Step {
        defer { self = MemoryAreaParser() }
        return .area(area)
    }
}
