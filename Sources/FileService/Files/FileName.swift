/// The name of a file in a served directory: a relative path that cannot lead out of it.
///
/// Names come from peers. What is one is decided here, without looking at a file system; that no symbolic link is
/// followed on the way is the business of ``ServedDirectory``.
package struct FileName: Hashable, Sendable {
    /// The longest name, in bytes of UTF-8, so that every message has room for one.
    package static let maxBytes = 900

    /// The name as it was given.
    package let text: String

    /// The directories on the way.
    let directories: [String]

    /// What the file is called in the last directory.
    let last: String

    /// Accepts a name, or says what is wrong with it.
    package init(_ text: String) throws(FileError) {
        guard (1...Self.maxBytes).contains(text.utf8.count) else { throw .badName(text, .length) }
        guard !text.utf8.contains(0) else { throw .badName(text, .zeroByte) }
        // By bytes: a slash that a combining character follows is still a slash to the kernel.
        let components = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { component in String(decoding: component, as: UTF8.self) }
        guard components.count == 1 || components[0] != "" else { throw .badName(text, .absolute) }
        guard components.allSatisfy({ component in !["", ".", ".."].contains(component) }) else {
            throw .badName(text, .component)
        }
        self.text = text
        self.directories = Array(components.dropLast())
        self.last = components[components.count - 1]
    }
}
