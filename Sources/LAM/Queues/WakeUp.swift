import Glibc
import Verbs

/// Ends a thread's wait on a file descriptor from another thread.
struct WakeUp: ~Copyable, Sendable {
    private let descriptor: CInt

    init() {
        descriptor = eventfd(0, CInt(EFD_NONBLOCK) | CInt(EFD_CLOEXEC))
        guard descriptor >= 0 else { fatalError("eventfd failed with errno \(errno): too many open files") }
    }

    deinit {
        close(descriptor)
    }

    /// Lets the current wait, or the next one, end.
    func ring() {
        unsafe eventfd_write(descriptor, 1)
    }

    /// Waits until it rings or `other` is readable; `takeOther` then reads from it.
    ///
    /// - Returns: false after the deadline.
    func wait<Failure>(
        besides other: CInt, until deadline: MonotonicTime?, takeOther: () throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        var polled = [
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: other, events: Int16(POLLIN), revents: 0),
        ]
        while unsafe poll(&polled, 2, Self.milliseconds(until: deadline)) == 0 {
            if let deadline, MonotonicTime.now >= deadline { return false }
        }
        var count: eventfd_t = 0
        unsafe eventfd_read(descriptor, &count)
        if polled[1].revents != 0 { try takeOther() }
        return true
    }

    private static func milliseconds(until deadline: MonotonicTime?) -> CInt {
        guard let deadline else { return -1 }
        let now = MonotonicTime.now
        return deadline <= now ? 0 : CInt(clamping: (deadline.nanoseconds - now.nanoseconds + 999_999) / 1_000_000)
    }
}
