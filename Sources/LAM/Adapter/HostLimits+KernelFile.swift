import Glibc

/// A file through which the kernel says something, under `/proc` or `/sys`.
///
/// Such files have no length, may be long, and may be missing: in a container, under gVisor, in a stripped kernel.
package struct KernelFile {
    private let path: String

    /// Names a file; whether it is there shows when it is read.
    package init(_ path: String) {
        self.path = path
    }

    /// Hands out the file in pieces until it ends or `body` has seen enough and returns false.
    ///
    /// Returns whether the file could be opened and read so far.
    package func read(_ body: (Span<UInt8>) -> Bool) -> Bool {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { (bytes) in
                unsafe Glibc.read(file, bytes.baseAddress, bytes.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count == 0 }
            guard body(chunk.span.extracting(first: count)) else { return true }
        }
    }

    /// The beginning of the file, at most 256 KiB of it; nil if it cannot be read.
    package var text: String? {
        var bytes: [UInt8] = []
        let isRead = read { (chunk) in
            for index in chunk.indices { bytes.append(chunk[index]) }
            return bytes.count < 256 << 10
        }
        return isRead ? String(decoding: bytes, as: UTF8.self) : nil
    }
}
