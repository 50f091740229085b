import Glibc

/// An open file, directory or path: closed once, when it is dropped.
package struct FileDescriptor: ~Copyable, Sendable {
    let number: CInt

    init(owning number: CInt) {
        self.number = number
    }

    deinit {
        // What close(2) reports cannot be acted upon; what must reach the disk is synchronized before.
        _ = Glibc.close(number)
    }

    /// Opens `path` below the directory `parent`, or below the working directory.
    static func open(
        _ path: String, below parent: CInt = AT_FDCWD, flags: CInt, mode: mode_t = 0
    ) throws(Errno) -> FileDescriptor {
        let number = unsafe openat(parent, path, flags | O_CLOEXEC, mode)
        guard number >= 0 else { throw Errno.current }
        return FileDescriptor(owning: number)
    }

    /// Opens the directory `path`, on the way to `name`; symbolic links are followed.
    static func directory(_ path: String, for name: String) throws(FileError) -> FileDescriptor {
        do {
            return try open(path, flags: O_RDONLY | O_DIRECTORY)
        } catch {
            throw .opening(name, error, missing: .noSuchDirectory(name))
        }
    }

    /// What the file is (`fstat`).
    func status() throws(Errno) -> stat {
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else { throw Errno.current }
        return status
    }
}

/// The `errno` value that a call of the C library left.
package struct Errno: Error, Hashable, Sendable, CustomStringConvertible {
    /// The number.
    package let code: CInt

    /// Takes a number.
    package init(_ code: CInt) {
        self.code = code
    }

    static var current: Errno { Errno(errno) }

    /// The system's text for it.
    package var description: String {
        unsafe String(cString: strerror(code))
    }
}

extension stat {
    var isRegularFile: Bool { st_mode & S_IFMT == S_IFREG }
    var isDirectory: Bool { st_mode & S_IFMT == S_IFDIR }
}
