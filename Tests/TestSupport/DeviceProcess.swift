import Glibc

/// Runs a program and gives what it printed.
///
/// By `posix_spawn`: a process with pinned memory must not fork, which would copy its pages.
package enum DeviceProcess {
    /// A program that could not be run, or that said no.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String

        package init(description: String) {
            self.description = description
        }
    }

    /// Runs `program`, which is looked up in the usual folders and those of root, and waits for it.
    package static func output(of program: String, _ arguments: [String]) throws -> String {
        let folders = ["/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"]
        guard let path = folders.map({ $0 + program }).first(where: { unsafe access($0, X_OK) == 0 }) else {
            throw Failure(description: "\(program) is not installed")
        }
        var ends: [2 of CInt] = [-1, -1]
        var span = ends.mutableSpan
        _ = unsafe span.withUnsafeMutableBufferPointer { unsafe pipe($0.baseAddress!) }
        _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
        _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
        let child = try spawn(path, [program] + arguments, output: ends[1])
        close(ends[1])
        let text = readAll(ends[0])
        close(ends[0])
        var status: CInt = 0
        unsafe waitpid(child, &status, 0)
        guard status == 0 else { throw Failure(description: "\(program) \(arguments) ended with \(status): \(text)") }
        return text
    }

    private static func spawn(_ path: String, _ arguments: [String], output: CInt) throws -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        let words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { unsafe words.forEach { unsafe free($0) } }
        var child: pid_t = 0
        let code = unsafe posix_spawn(&child, path, &actions, nil, words, environ)
        guard code == 0 else { throw Failure(description: "posix_spawn of \(path) gave \(code)") }
        return child
    }

    private static func readAll(_ descriptor: CInt) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while case let count = unsafe read(descriptor, &chunk, chunk.count), count > 0 {
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
