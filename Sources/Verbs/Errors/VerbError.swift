internal import CRDMA

/// A verb failed: which one, and the `errno` value that it gave.
public struct VerbError: Error, Hashable, Sendable {
    /// The call that failed.
    public let verb: Verb
    /// The `errno` value, always positive.
    public let code: CInt

    package init(_ verb: Verb, _ code: CInt) {
        self.verb = verb
        self.code = code
    }
}

extension VerbError: CustomStringConvertible {
    /// The call, the symbolic name of the code and the text of `strerror`, in English.
    public var description: String { "\(verb) failed: \(codeName) (\(codeText))" }

    /// The symbolic name of the code, as the manual pages print it: `ENOMEM`.
    public var codeName: String {
        // The string is a constant of libc, or NULL for a code that has no name.
        unsafe strerrorname_np(code).map { name in unsafe String(cString: name) } ?? "errno \(code)"
    }

    private var codeText: String {
        // As above; unlike `strerror` it is neither translated nor shared between threads.
        unsafe strerrordesc_np(code).map { text in unsafe String(cString: text) }
            ?? "unknown error"
    }
}

/// Turns the result of a control verb into a thrown error.
///
/// - Parameters:
///   - verb: The call that returned.
///   - code: 0, or an `errno` value.
/// - Throws: Both, unless the code is 0.
func check(_ verb: Verb, _ code: CInt) throws(VerbError) {
    guard code == 0 else { throw VerbError(verb, code) }
}
