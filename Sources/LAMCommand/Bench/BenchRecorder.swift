import Histogram
import LAM

/// Measures one thing after the other, ours in turn with plain C, and keeps what comes of it.
final class BenchRecorder {
    /// One side's turn: what each part of it took, in nanoseconds for one operation.
    typealias Turn = () throws -> [Double]

    let plan: BenchPlan
    private(set) var figures: [BenchFigure] = []
    private let begin: (BenchSubject) -> Void

    /// - Parameters:
    ///   - plan: how long each takes.
    ///   - begin: called before something is measured.
    init(_ plan: BenchPlan, _ begin: @escaping (BenchSubject) -> Void = { _ in }) {
        self.plan = plan
        self.begin = begin
    }

    /// However long a round takes, a median needs some.
    private static let fewestRounds = 5
    private static let mostRounds = 100_000

    /// Measures both sides in turn, the first after the second in every other round; one round before does not count.
    ///
    /// What fails is noted in place of a figure, except that it was broken off.
    /// - Parameters:
    ///   - subjects: what the parts of a turn are.
    ///   - ours: the library's turn.
    ///   - plain: that of plain C; nil where it has nothing like it.
    /// - Throws: `CancellationError`.
    func measure(_ subjects: [BenchSubject], ours: Turn, plain: Turn? = nil) throws {
        begin(subjects[0])
        do {
            figures += try measureAll(subjects, ours, plain)
        } catch let error as CancellationError {
            throw error
        } catch {
            skip(subjects, because: "\(error)")
        }
    }

    /// Notes why something is not measured.
    func skip(_ subjects: [BenchSubject], because note: String) {
        figures += subjects.map { BenchFigure(subject: $0, note: note) }
    }

    private func measureAll(_ subjects: [BenchSubject], _ ours: Turn, _ plain: Turn?) throws -> [BenchFigure] {
        var records = subjects.map { _ in Record() }
        let end = ContinuousClock.now + .seconds(plan.seconds)
        var round = 0
        while round <= Self.fewestRounds || (ContinuousClock.now < end && round <= Self.mostRounds) {
            try Task.checkCancellation()
            let isFirst = round.isMultiple(of: 2)
            let before = try isFirst ? nil : plain?()
            let times = try ours()
            let baseline = try isFirst ? plain?() : before
            if round > 0 {
                for index in records.indices { records[index].add(times[index], baseline?[index]) }
            }
            round += 1
        }
        return zip(subjects, records).map { $1.figure(of: $0) }
    }

    /// The rounds of one figure.
    private struct Record {
        private var ours = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
        private var plain = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
        private var ratios: [Double] = []

        mutating func add(_ time: Double, _ baseline: Double?) {
            ours.record(picoseconds(time))
            guard let baseline, baseline > 0 else { return }
            plain.record(picoseconds(baseline))
            ratios.append(time / baseline)
        }

        private func picoseconds(_ nanoseconds: Double) -> UInt64 { UInt64(max(1, nanoseconds * 1000)) }

        func figure(of subject: BenchSubject) -> BenchFigure {
            BenchFigure(
                subject: subject, ours: Distribution(ours), plain: ratios.isEmpty ? nil : Distribution(plain),
                ratio: ratios.isEmpty ? nil : RatioSpread(ratios))
        }
    }
}

/// The nanoseconds that something takes.
func nanoseconds(_ body: () throws -> Void) rethrows -> Double {
    try ContinuousClock().measure(body) / .nanoseconds(1)
}

/// The nanoseconds of one of many operations that are done in turn.
func nanosecondsEach(_ count: Int, _ body: (Int) throws -> Void) rethrows -> Double {
    try nanoseconds { for index in 0..<count { try body(index) } } / Double(count)
}
