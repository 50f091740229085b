import Glibc

/// Two ways to do the same, measured in turn, so that a drift of the machine's speed meets both alike.
public struct Comparison {
    /// Nanoseconds for one operation, one value for each round.
    public private(set) var ours = Samples()
    /// The same for the baseline.
    public private(set) var baseline = Samples()
    /// Ours over the baseline, round by round.
    public private(set) var ratio = Samples()
    /// Ours less the baseline, round by round.
    public private(set) var difference = Samples()

    /// Runs both `rounds` times, the first after the second in every other round; one round before is not counted.
    ///
    /// - Parameters:
    ///   - rounds: how many values there will be.
    ///   - operations: how many each call of `ours` and of `baseline` does.
    ///   - ours: what is measured.
    ///   - baseline: what it is compared with.
    public init(
        rounds: Int, operations: Int, ours: () throws -> Void, baseline: () throws -> Void
    ) rethrows {
        for round in 0...rounds {
            let isFirst = round.isMultiple(of: 2)
            let before = isFirst ? 0 : try nanoseconds(baseline)
            let ourTime = try nanoseconds(ours)
            let times = (ours: ourTime, baseline: isFirst ? try nanoseconds(baseline) : before)
            guard round > 0 else { continue }
            self.ours.add(times.ours / Double(operations))
            self.baseline.add(times.baseline / Double(operations))
            ratio.add(times.ours / times.baseline)
            difference.add((times.ours - times.baseline) / Double(operations))
        }
    }
}

/// The nanoseconds that `body` takes.
public func nanoseconds(_ body: () throws -> Void) rethrows -> Double {
    let time = try ContinuousClock().measure(body)
    return time / .nanoseconds(1)
}

/// The nanoseconds that the calling thread had a processor for during `body`: what it waited for one does not count.
public func processorNanoseconds(_ body: () throws -> Void) rethrows -> Double {
    let start = threadTime()
    try body()
    return threadTime() - start
}

private func threadTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

/// Values of one figure over the rounds.
public struct Samples {
    /// The values, as they were added.
    public private(set) var inOrder: [Double] = []

    /// No values yet.
    public init() {}

    /// Adds the value of one round.
    public mutating func add(_ value: Double) {
        inOrder.append(value)
    }

    /// The value below which `fraction` of all lie.
    public func quantile(_ fraction: Double) -> Double {
        guard !inOrder.isEmpty else { return .nan }
        let sorted = inOrder.sorted()
        return sorted[min(Int(Double(sorted.count) * fraction), sorted.count - 1)]
    }

    /// The same values in another unit.
    public func scaled(by factor: Double) -> Samples {
        var scaled = Samples()
        inOrder.forEach { scaled.add($0 * factor) }
        return scaled
    }

    /// The value in the middle.
    public var median: Double { quantile(0.5) }

    /// Median and, in brackets, the range of the middle half.
    public func text(digits: Int) -> String {
        "\(decimal(median, digits)) [\(decimal(quantile(0.25), digits)) … \(decimal(quantile(0.75), digits))]"
    }
}

/// A number with a fixed count of decimals.
public func decimal(_ value: Double, _ digits: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let rounded = (value * scale).rounded() / scale
    guard digits > 0 else { return String(Int(rounded)) }
    let text = String(rounded)
    guard let point = text.firstIndex(of: ".") else { return text }
    let decimals = text.distance(from: point, to: text.endIndex) - 1
    return text + String(repeating: "0", count: max(0, digits - decimals))
}
