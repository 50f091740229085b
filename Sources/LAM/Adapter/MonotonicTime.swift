import Glibc

/// A moment of the clock that never steps, in nanoseconds.
package struct MonotonicTime: Comparable {
    let nanoseconds: UInt64

    /// - Complexity: one vDSO call, about 20 ns.
    static var now: MonotonicTime {
        var time = Glibc.timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicTime(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }

    package static func < (earlier: MonotonicTime, later: MonotonicTime) -> Bool {
        earlier.nanoseconds < later.nanoseconds
    }

    /// Later by `duration`; as late as can be where that is beyond the clock.
    func advanced(by duration: Duration) -> MonotonicTime {
        let end = Double(nanoseconds) + max(0, duration / .nanoseconds(1))
        guard end < Double(Int64.max) else { return MonotonicTime(nanoseconds: UInt64(Int64.max)) }
        return MonotonicTime(nanoseconds: nanoseconds + UInt64(max(0, duration / .nanoseconds(1))))
    }

    func duration(since earlier: MonotonicTime) -> Duration {
        .nanoseconds(nanoseconds - earlier.nanoseconds)
    }

    var timespec: Glibc.timespec {
        Glibc.timespec(
            tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    }
}
