import Glibc

/// A file that is being written and has no name, or a hidden one, until it is complete.
///
/// Where the file system can (`O_TMPFILE`), it has no name at all, so that nothing is left behind even by SIGKILL.
/// Elsewhere it is called `.NAME.partial-PID-N` and removed when it is dropped. It appears under its own name in one
/// step, when ``commit()`` has brought its bytes to the disk.
package struct PartialFile: ~Copyable, Sendable {
    private let name: String
    private let shownName: String
    private let directory: FileDescriptor
    private let descriptor: FileDescriptor
    private let hiddenName: String
    /// Whether `hiddenName` is in the directory and has to be removed.
    private var hasHiddenName: Bool

    /// Begins a file at a path of this machine's user.
    package init(_ path: String, byteCount: UInt64) throws(FileError) {
        let slash = path.lastIndex(of: "/")
        let parent = slash.map { slash in slash == path.startIndex ? "/" : String(path[..<slash]) } ?? "."
        let name = slash.map { slash in String(path[path.index(after: slash)...]) } ?? path
        guard !["", ".", ".."].contains(name) else { throw .noSuchDirectory(path) }
        try self.init(
            name, in: FileDescriptor.directory(parent, for: path), byteCount: byteCount, shownAs: path)
    }

    /// Begins a file in an open directory if there is room for it, so that a full disk is known before anything moves.
    init(
        _ name: String, in directory: consuming FileDescriptor, byteCount: UInt64, shownAs shownName: String
    ) throws(FileError) {
        try Self.checkReplaceable(name, in: directory.number, shownAs: shownName)
        try Self.checkRoom(for: byteCount, in: directory.number, shownAs: shownName)
        let hiddenName = Self.hiddenName(for: name)
        var hasHiddenName = false
        let descriptor = try Self.open(
            in: directory.number, orAs: hiddenName, shownAs: shownName, hasHiddenName: &hasHiddenName)
        self.name = name
        self.shownName = shownName
        self.directory = directory
        self.descriptor = descriptor
        self.hiddenName = hiddenName
        self.hasHiddenName = hasHiddenName
    }

    deinit {
        if hasHiddenName { _ = unsafe unlinkat(directory.number, hiddenName, 0) }
    }

    /// Writes bytes at `offset`.
    package func write(_ bytes: RawSpan, at offset: UInt64) throws(FileError) {
        // The pointer is used during the call only, and within its count.
        try unsafe bytes.withUnsafeBytes { (bytes) throws(FileError) in
            var done = 0
            while done < bytes.count {
                let count = unsafe pwrite(
                    descriptor.number, bytes.baseAddress! + done, bytes.count - done, off_t(offset) + done)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw failure("write", byteCount: UInt64(bytes.count)) }
                done += count
            }
        }
    }

    /// Brings the bytes to the disk and gives the file its name, replacing a file that has it.
    package consuming func commit() throws(FileError) {
        guard fsync(descriptor.number) == 0 else { throw failure("fsync", byteCount: 0) }
        if !hasHiddenName { try takeHiddenName() }
        guard unsafe renameat(directory.number, hiddenName, directory.number, name) == 0 else {
            throw failure("rename", byteCount: 0)
        }
        hasHiddenName = false
        // The name is in the directory; a directory that cannot be synchronized (9p) keeps it as well as it can.
        _ = fsync(directory.number)
    }
}

extension PartialFile {
    /// Refuses a name that something else than a regular file has: it is neither followed nor replaced.
    private static func checkReplaceable(
        _ name: String, in directory: CInt, shownAs shownName: String
    ) throws(FileError) {
        var status = stat()
        guard unsafe fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return }
        guard status.isRegularFile else { throw .notRegular(shownName) }
    }

    /// Creates a file without a name, or with the hidden one where the file system has no others.
    private static func open(
        in directory: CInt, orAs hiddenName: String, shownAs shownName: String, hasHiddenName: inout Bool
    ) throws(FileError) -> FileDescriptor {
        do throws(Errno) {
            if let unnamed = try openUnnamed(in: directory) { return unnamed }
            let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
            let named = try FileDescriptor.open(hiddenName, below: directory, flags: flags, mode: 0o644)
            hasHiddenName = true
            return named
        } catch {
            throw .system(shownName, call: "create", error)
        }
    }

    private static func openUnnamed(in directory: CInt) throws(Errno) -> FileDescriptor? {
        do {
            return try FileDescriptor.open(".", below: directory, flags: O_WRONLY | __O_TMPFILE, mode: 0o644)
        } catch {
            // Each file system says in its own way that it has none.
            guard [EOPNOTSUPP, EISDIR, EINVAL, ENOENT].contains(error.code) else { throw error }
            return nil
        }
    }

    /// A name that no other transfer of this machine uses, and that fits where names have 255 bytes.
    private static func hiddenName(for name: String) -> String {
        let start = String(decoding: name.utf8.prefix(200), as: UTF8.self).prefix(190)
        return ".\(start).partial-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    }

    /// A file without a name can be linked, but not over another one; so it gets the hidden name first.
    private mutating func takeHiddenName() throws(FileError) {
        let path = "/proc/self/fd/\(descriptor.number)"
        guard unsafe linkat(AT_FDCWD, path, directory.number, hiddenName, AT_SYMLINK_FOLLOW) == 0 else {
            throw failure("linkat", byteCount: 0)
        }
        hasHiddenName = true
    }

    /// Throws if the file system has less room now. What others take meanwhile shows in ``write(_:at:)``.
    ///
    /// Not `fallocate`: on tmpfs it would write every page once more, and a peer could take the room by a mere promise.
    private static func checkRoom(
        for byteCount: UInt64, in directory: CInt, shownAs shownName: String
    ) throws(FileError) {
        var status = statvfs()
        guard unsafe fstatvfs(directory, &status) == 0, status.f_blocks > 0 else { return }
        let (free, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        guard overflow || byteCount <= free, byteCount <= UInt64(off_t.max) else {
            throw .noSpace(shownName, byteCount: byteCount)
        }
    }

    private func failure(_ call: String, byteCount: UInt64) -> FileError {
        switch errno {
        case ENOSPC, EDQUOT, EFBIG: .noSpace(shownName, byteCount: byteCount)
        default: .system(shownName, call: call, .current)
        }
    }
}
