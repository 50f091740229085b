import Glibc
package import Verbs

/// Ends a thread's wait on a file descriptor from another thread: a pipe.
package struct WakeUp: ~Copyable, Sendable {
    private let reading: CInt
    private let writing: CInt

    /// Opens the pipe.
    ///
    /// - Throws: `EMFILE` or `ENFILE` where there are as many descriptors as there may be.
    package init() throws(VerbError) {
        var ends: [2 of CInt] = [-1, -1]
        var span = ends.mutableSpan
        let code = unsafe span.withUnsafeMutableBufferPointer { unsafe pipe($0.baseAddress!) }
        guard code == 0 else { throw VerbError(.openPipe, errno) }
        (reading, writing) = (ends[0], ends[1])
        for end in [reading, writing] {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
    }

    deinit {
        close(reading)
        close(writing)
    }

    /// Lets the current wait, or the next one, end.
    package func ring() {
        var byte: UInt8 = 0
        // A full pipe has rung already.
        _ = unsafe write(writing, &byte, 1)
    }

    /// Waits until it rings or `other` is readable; `takeOther` then reads from it.
    ///
    /// - Returns: false after the deadline.
    func wait(
        besides other: CInt, until deadline: MonotonicTime?, takeOther: () throws(VerbError) -> Void
    ) throws(VerbError) -> Bool {
        var polled = [
            pollfd(fd: reading, events: Int16(POLLIN), revents: 0),
            pollfd(fd: other, events: Int16(POLLIN), revents: 0),
        ]
        while unsafe poll(&polled, 2, Self.milliseconds(until: deadline)) <= 0 {
            if let deadline, MonotonicTime.now >= deadline { return false }
        }
        if polled[0].revents != 0 { silence() }
        if polled[1].revents != 0 { try takeOther() }
        return true
    }

    /// What is readable from `ring` to `silence`.
    package var descriptor: CInt { reading }

    /// Takes back what `ring` did.
    package func silence() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while unsafe read(reading, &bytes, bytes.count) == bytes.count {}
    }

    private static func milliseconds(until deadline: MonotonicTime?) -> CInt {
        guard let deadline else { return -1 }
        let now = MonotonicTime.now
        return deadline <= now ? 0 : CInt(clamping: (deadline.nanoseconds - now.nanoseconds + 999_999) / 1_000_000)
    }
}
