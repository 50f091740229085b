package import Histogram

/// How the times of one figure are spread, in nanoseconds; each is that of a round, for one operation.
package struct Distribution: Codable, Hashable, Sendable {
    package let rounds: Int
    package let least, p25, median, p75, p90, p99, p999, most, mean: Double

    /// - Parameter times: in picoseconds.
    package init(_ times: Histogram<UInt64>) {
        func quantile(_ percent: Double) -> Double { Double(times.valueAtPercentile(percent)) / 1000 }
        rounds = Int(times.totalCount)
        least = Double(times.min) / 1000
        (p25, median, p75) = (quantile(25), quantile(50), quantile(75))
        (p90, p99, p999) = (quantile(90), quantile(99), quantile(99.9))
        most = Double(times.max) / 1000
        mean = times.mean / 1000
    }

    /// The middle half.
    package var middle: ClosedRange<Double> { p25...max(p25, p75) }
}

/// Ratios of rounds that were measured in turn.
package struct RatioSpread: Codable, Hashable, Sendable {
    package let p25, median, p75: Double

    /// - Parameter ratios: at least one.
    package init(_ ratios: [Double]) {
        let sorted = ratios.sorted()
        func quantile(_ part: Double) -> Double { sorted[min(sorted.count - 1, Int(part * Double(sorted.count)))] }
        (p25, median, p75) = (quantile(0.25), quantile(0.5), quantile(0.75))
    }
}
