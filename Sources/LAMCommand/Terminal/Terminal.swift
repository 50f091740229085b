import Glibc

/// Where people read: standard output for results, standard error for everything else.
enum Terminal {
    /// Writes a line of the result, at once, so that whoever reads from a pipe sees it when it happens.
    static func show(_ line: String) {
        print(line)
        flush()
    }

    /// Writes a line that is not part of the result.
    static func report(_ line: String) {
        write(line + "\n")
    }

    /// Writes a line that is not part of the result, over the progress that may be shown; the next progress comes below.
    static func reportBesideProgress(_ line: String) {
        write((isWatched ? "\r\u{1B}[K" : "") + line + "\n")
    }

    /// Writes text to standard error as it is.
    static func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            // Nobody is left to tell if standard error cannot be written.
            _ = unsafe Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }

    /// Whether standard error is looked at by a person.
    static var isWatched: Bool { isatty(STDERR_FILENO) == 1 }

    /// How many characters a line of standard error has.
    static var width: Int {
        var size = winsize()
        guard unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    private static func flush() {
        // All streams: naming `stdout`, a variable of C, is not safe between threads.
        _ = fflush(nil)
    }
}
