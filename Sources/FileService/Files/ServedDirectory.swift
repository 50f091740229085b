import Glibc

/// A directory whose files peers may read and write, and nothing outside of it.
///
/// Paths are walked component by component, each opened without following a symbolic link (`O_NOFOLLOW`), from a
/// descriptor of the directory itself. So neither `..` nor a link that appears in the middle of the walk leads out.
package struct ServedDirectory: ~Copyable, Sendable {
    /// The directory as it was named.
    package let path: String
    private let root: FileDescriptor

    /// Opens the directory; symbolic links on the way to it are its owner's business and are followed.
    package init(_ path: String) throws(FileError) {
        root = try FileDescriptor.directory(path, for: path)
        self.path = path
    }

    /// Opens a file for reading.
    package func openFile(_ name: FileName) throws(FileError) -> SourceFile {
        let parent = try parent(of: name)
        return try SourceFile(name.last, below: parent.number, followsLink: false, shownAs: name.text)
    }

    /// Begins a file that appears under its name when it is complete; a file that has the name is then replaced.
    package func createFile(_ name: FileName, byteCount: UInt64) throws(FileError) -> PartialFile {
        try PartialFile(name.last, in: parent(of: name), byteCount: byteCount, shownAs: name.text)
    }

    /// Opens the directory that has the last component of the name.
    private func parent(of name: FileName) throws(FileError) -> FileDescriptor {
        do {
            var parent = try FileDescriptor.open(".", below: root.number, flags: O_RDONLY | O_DIRECTORY)
            for directory in name.directories {
                parent = try FileDescriptor.open(
                    directory, below: parent.number, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            }
            return parent
        } catch {
            throw .opening(name.text, error, missing: .noSuchDirectory(name.text))
        }
    }
}

extension FileError {
    /// What a failed open means.
    static func opening(_ name: String, _ code: Errno, missing: FileError) -> FileError {
        switch code.code {
        case ENOENT, ENOTDIR, ELOOP: missing
        default: .system(name, call: "open", code)
        }
    }
}
