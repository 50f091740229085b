import Glibc

/// Why a file could not be read, or not be put where it was to go.
package enum FileError: Error, Hashable, Sendable {
    /// The name is not a path that stays below the served directory.
    case badName(String, NameFault)
    /// There is no such file.
    case noSuchFile(String)
    /// It is a directory, a symbolic link, a device or the like.
    case notRegular(String)
    /// There is no such directory, or it is not one, or a symbolic link leads to it.
    case noSuchDirectory(String)
    /// The file has other bytes than when the transfer began, or not as many.
    case changed(String)
    /// The file system has not as much room.
    case noSpace(String, byteCount: UInt64)
    /// A system call failed.
    case system(String, call: String, Errno)
}

/// Why a name is refused.
package enum NameFault: Hashable, Sendable {
    /// It is the empty string, or more than a message can carry.
    case length
    /// It begins with a slash.
    case absolute
    /// It has a component `.` or `..`, or an empty one.
    case component
    /// It contains the character NUL.
    case zeroByte
}

extension FileError: CustomStringConvertible {
    /// What was asked, and why not.
    package var description: String {
        switch self {
        case .badName(let name, let fault): "the name '\(printable(name))' is refused: \(fault)"
        case .noSuchFile(let name): "there is no file '\(printable(name))'"
        case .notRegular(let name): "'\(printable(name))' is not a regular file, and only these are moved"
        case .noSuchDirectory(let name):
            "the directory of '\(printable(name))' does not exist (in a served directory symbolic links are not followed)"
        case .changed(let name): "'\(printable(name))' changed while it was read; try again"
        case .noSpace(let name, let bytes): "no space for the \(bytes) bytes of '\(printable(name))' on its file system"
        case .system(let name, let call, let code): "'\(printable(name))': \(call): \(code)"
        }
    }
}

extension NameFault: CustomStringConvertible {
    /// The reason, as the end of a sentence.
    package var description: String {
        switch self {
        case .length: "a name has 1 to \(FileName.maxBytes) bytes"
        case .absolute: "a name is relative to the served directory"
        case .component: "a name has no component '.' or '..', and no empty one"
        case .zeroByte: "a name has no NUL character"
        }
    }
}

/// Text of a peer, fit for a terminal: without control characters, which could be commands to it.
package func printable(_ text: String) -> String {
    String(
        String.UnicodeScalarView(
            text.unicodeScalars.map { scalar in
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse: "\u{FFFD}"
                default: scalar
                }
            }))
}
