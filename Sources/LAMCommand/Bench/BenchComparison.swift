/// What has changed from one result to another.
package struct BenchComparison {
    /// A figure of both.
    package struct Change {
        package let subject: BenchSubject
        package let before, after: Distribution
        package let verdict: Verdict

        /// After over before.
        package var factor: Double { after.median / before.median }
    }

    /// What is said of a figure.
    package enum Verdict: String, Comparable {
        case worse, better, same

        package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .worse: 0
            case .better: 1
            case .same: 2
            }
        }
    }

    package let changes: [Change]
    /// What only one of them has.
    package let missing: [BenchSubject]
    /// What makes the figures of the two differ whatever the library does.
    package let warnings: [String]

    /// - Parameters:
    ///   - before: the older result.
    ///   - after: the newer one.
    ///   - byRatio: compares ratios to plain C, which another machine leaves as they are, in place of times.
    package init(_ before: BenchResult, _ after: BenchResult, byRatio: Bool) {
        let newer = Dictionary(after.figures.map { ($0.subject, $0) }) { first, _ in first }
        var (changes, missing): ([Change], [BenchSubject]) = ([], [])
        for old in before.figures {
            guard let was = old.ours, let new = newer[old.subject], let now = new.ours else {
                missing.append(old.subject)
                continue
            }
            let (left, right) = byRatio ? (old.ratio?.middle, new.ratio?.middle) : (was.middle, now.middle)
            guard let left, let right else { continue }
            changes.append(
                Change(subject: old.subject, before: was, after: now, verdict: Self.verdict(left, right)))
        }
        let known = Set(before.figures.map(\.subject))
        self.changes = changes
        self.missing = missing + after.figures.map(\.subject).filter { !known.contains($0) }
        warnings = Self.warnings(before, after)
    }

    /// Something has changed where the middle halves do not meet.
    private static func verdict(_ before: ClosedRange<Double>, _ after: ClosedRange<Double>) -> Verdict {
        if after.lowerBound > before.upperBound { return .worse }
        return after.upperBound < before.lowerBound ? .better : .same
    }

    private static func warnings(_ before: BenchResult, _ after: BenchResult) -> [String] {
        let facts: [(String, (BenchHost) -> String)] = [
            ("device", { "\($0.device), \($0.driver), firmware \($0.firmware)" }),
            ("processor", { "\($0.processors) of \($0.processor)" }),
            ("kernel", \.kernel), ("rdma-core", \.rdmaCore), ("IOMMU", \.iommu),
        ]
        var warnings = facts.compactMap { name, fact in
            let (old, new) = (fact(before.host), fact(after.host))
            return old == new ? nil : "another \(name): \(old); \(new)"
        }
        if !before.isComplete { warnings.append("the older result was broken off") }
        if !after.isComplete { warnings.append("the newer result was broken off") }
        return warnings
    }

    /// Whether something is worse.
    package var isWorse: Bool { changes.contains { $0.verdict == .worse } }

    /// For people: what changed, the worst first, and how much did not.
    package var lines: [String] {
        let changed = changes.filter { $0.verdict != .same }.sorted { left, right in
            (left.verdict, -abs(left.factor - 1)) < (right.verdict, -abs(right.factor - 1))
        }
        var table = TextTable()
        for change in changed {
            table.add([
                change.verdict.rawValue, change.subject.group.rawValue, change.subject.name,
                change.subject.conditionText, BenchTable.time(change.before.median),
                BenchTable.time(change.after.median), "x \(decimal(change.factor, 2))",
            ])
        }
        let counts = [Verdict.worse, .better, .same].map { verdict in
            "\(changes.count { $0.verdict == verdict }) \(verdict.rawValue)"
        }
        return warnings.map { "warning: \($0)" } + table.lines
            + [counts.joined(separator: ", ") + (missing.isEmpty ? "" : "; \(missing.count) in one of them only")]
    }
}

extension RatioSpread {
    /// The middle half.
    var middle: ClosedRange<Double> { p25...max(p25, p75) }
}
