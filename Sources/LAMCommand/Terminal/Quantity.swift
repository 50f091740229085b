/// How quantities are written for people.
package enum Quantity {
    /// Bytes with a binary unit and one digit behind the point, `16.0 MiB`, or exactly where they are few.
    package static func bytes(_ count: some BinaryInteger) -> String {
        let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        guard count >= 10_000 else { return "\(count) \(count == 1 ? "byte" : "bytes")" }
        var value = Double(count)
        var unit = -1
        // At 1023.95 one digit would be rounded to 1024.0.
        while value >= 1023.95, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return "\(tenths(value)) \(units[max(0, unit)])"
    }

    /// A duration in the unit that suits it: `3.2 ms`, `12.5 s`, `2:05`, `1:02:05`.
    package static func time(_ duration: Duration) -> String {
        guard duration < .seconds(60) else { return clock(seconds: duration.components.seconds) }
        let microseconds = duration / .microseconds(1)
        switch microseconds {
        case ..<1000: return "\(tenths(microseconds)) µs"
        case ..<1_000_000: return "\(tenths(microseconds / 1000)) ms"
        default: return "\(tenths(microseconds / 1_000_000)) s"
        }
    }

    /// Minutes and seconds, and hours where there are any: `0:07`, `1:02:05`.
    static func clock(seconds: Int64) -> String {
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let hours = seconds / 3600
        let minutes = seconds / 60 % 60
        let rest = two(seconds % 60)
        return hours == 0 ? "\(minutes):\(rest)" : "\(hours):\(two(minutes)):\(rest)"
    }

    /// Bytes per second: `13.3 MiB/s`.
    package static func rate(_ count: UInt64, in duration: Duration) -> String {
        let seconds = duration / .seconds(1)
        guard seconds > 0, let rate = UInt64(exactly: (Double(count) / seconds).rounded()) else { return "-" }
        return bytes(rate) + "/s"
    }

    /// A number with one digit behind the point.
    private static func tenths(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
