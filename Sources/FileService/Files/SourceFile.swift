import Glibc

/// A regular file that is being read, from any offset.
package struct SourceFile: ~Copyable, Sendable {
    /// How many bytes it had when it was opened; more are not read, fewer are an error.
    package let byteCount: UInt64
    private let name: String
    private let descriptor: FileDescriptor

    /// Opens a file of this machine's user, who may name it by a symbolic link.
    package init(_ path: String) throws(FileError) {
        try self.init(path, below: AT_FDCWD, followsLink: true, shownAs: path)
    }

    init(_ path: String, below parent: CInt, followsLink: Bool, shownAs name: String) throws(FileError) {
        try Self.checkRegular(path, below: parent, followsLink: followsLink, shownAs: name)
        var status = stat()
        // Should it have become a FIFO meanwhile, O_NONBLOCK keeps the open from waiting for a writer.
        let descriptor = try Self.open(
            path, below: parent, flags: O_RDONLY | O_NONBLOCK | (followsLink ? 0 : O_NOFOLLOW), &status, shownAs: name)
        guard status.isRegularFile else { throw .notRegular(name) }
        self.descriptor = descriptor
        self.byteCount = UInt64(status.st_size)
        self.name = name
    }

    private static func open(
        _ path: String, below parent: CInt, flags: CInt, _ status: inout stat, shownAs name: String
    ) throws(FileError) -> FileDescriptor {
        do throws(Errno) {
            let descriptor = try FileDescriptor.open(path, below: parent, flags: flags)
            status = try descriptor.status()
            return descriptor
        } catch {
            throw .opening(name, error, missing: .noSuchFile(name))
        }
    }

    /// Looks before the open, because opening a device can do something.
    private static func checkRegular(
        _ path: String, below parent: CInt, followsLink: Bool, shownAs name: String
    ) throws(FileError) {
        var status = stat()
        guard unsafe fstatat(parent, path, &status, followsLink ? 0 : AT_SYMLINK_NOFOLLOW) == 0 else {
            throw .opening(name, .current, missing: .noSuchFile(name))
        }
        guard status.isRegularFile else { throw .notRegular(name) }
    }

    /// Fills `bytes` from `offset` on.
    /// - Throws: ``FileError/changed(_:)`` if the file ends before.
    package func read(into bytes: inout MutableRawSpan, at offset: UInt64) throws(FileError) {
        // The pointer is used during the call only, and within its count.
        try unsafe bytes.withUnsafeMutableBytes { (bytes) throws(FileError) in
            var done = 0
            while done < bytes.count {
                let count = unsafe pread(
                    descriptor.number, bytes.baseAddress! + done, bytes.count - done, off_t(offset) + done)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw .system(name, call: "read", .current) }
                guard count > 0 else { throw .changed(name) }
                done += count
            }
        }
    }

    /// Whether the file still has as many bytes as when it was opened.
    package func checkLength() throws(FileError) {
        guard let status = try? descriptor.status(), UInt64(status.st_size) == byteCount else {
            throw .changed(name)
        }
    }
}
