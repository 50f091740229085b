import Glibc
package import LAM

extension MemoryDescriptor {
    /// The kernel's areas of the memory, each with its range, its rights and its flags: `/proc/self/smaps`.
    package func areas() throws -> [String] {
        guard let file = unsafe fopen("/proc/self/smaps", "re") else {
            throw DeviceProcess.Failure(description: "/proc/self/smaps: errno \(errno)")
        }
        defer { unsafe fclose(file) }
        var areas: [String] = []
        var isMine = false
        var buffer = [CChar](repeating: 0, count: 512)
        // The kernel looks at every page of an area for its lines, so that nothing is read beyond what is asked.
        while unsafe fgets(&buffer, CInt(buffer.count), file) != nil {
            if let range = unsafe Self.range(&buffer) {
                if range.lowerBound >= address + UInt(length) { break }
                isMine = range.overlaps(address..<address + UInt(length))
                if isMine { areas.append(Self.words(buffer).prefix(2).joined(separator: " ")) }
            } else if isMine, unsafe strncmp(buffer, "VmFlags:", 8) == 0 {
                areas[areas.count - 1] += " " + Self.words(buffer).dropFirst().joined(separator: " ")
            }
        }
        return areas
    }

    private static func words(_ line: [CChar]) -> [Substring] {
        DeviceOracle.text(line).split(whereSeparator: \.isWhitespace)
    }

    /// The range that a line begins with; nil for the lines about an area.
    private static func range(_ line: UnsafeMutablePointer<CChar>) -> Range<UInt>? {
        var rest: UnsafeMutablePointer<CChar>? = unsafe line
        let start = unsafe strtoul(line, &rest, 16)
        guard let dash = unsafe rest, unsafe dash > line, unsafe dash.pointee == CChar(UInt8(ascii: "-")) else {
            return nil
        }
        let end = unsafe strtoul(dash + 1, &rest, 16)
        return start < end ? start..<end : nil
    }
}
