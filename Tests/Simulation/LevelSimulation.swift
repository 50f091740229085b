import AdapterModel
import Course
import Glibc
import TrackingModel
import Turns

/// A run of one level.
protocol LevelSimulation {
    /// Runs so many steps.
    func run(_ steps: Int, _ progress: Progress) throws(Violation)
    var stepsDone: Int { get }
    /// How often each thing happened, a line each.
    var figures: [String] { get }
    func replayCommand(_ steps: Int) -> String
}

/// The tracking of mappings.
struct TrackingSimulation: LevelSimulation {
    private let model: ModelRun

    init(_ seed: UInt64, _ canary: String?) {
        model = ModelRun(seed: seed, canary: canary.flatMap(Canary.init))
    }

    func run(_ steps: Int, _ progress: Progress) throws(Violation) {
        try model.run(steps: steps) { progress.tell(model.steps) }
    }

    var stepsDone: Int { model.steps }
    var figures: [String] { Event.allCases.map { "\($0): \(model.events[$0])" } }

    func replayCommand(_ steps: Int) -> String { model.replayCommand(steps: steps) }
}

/// The whole adapter, whose threads take turns.
struct AdapterSimulation: LevelSimulation {
    private let seed: UInt64
    private let model: AdapterRun

    /// So many turns without a step mean that nothing will come any more.
    private static let patience: UInt64 = 3_000_000

    init(_ seed: UInt64, _ canary: String?) {
        self.seed = seed
        model = AdapterRun(seed: seed, canary: canary.flatMap(AdapterCanary.init))
    }

    func run(_ steps: Int, _ progress: Progress) throws(Violation) {
        unsafe Stuck.replayCommand = replayCommand(steps)
        unsafe Stuck.model = model
        unsafe turns_begin(seed, Self.patience) { reason in Stuck.report(unsafe String(cString: reason)) }
        try model.run(steps: steps) {
            turns_progress()
            progress.tell(model.steps)
        }
        let others = turns_other_threads()
        try require(others == 0, "\(others) threads are left")
    }

    var stepsDone: Int { model.steps }

    var figures: [String] {
        let counts = model.counts
        let events = AdapterEvent.allCases.map { "\($0): \(counts[$0])" }
        let verbs = counts.calls.sorted { "\($0.key)" < "\($1.key)" }
            .map { "\($0.key): \($0.value) calls, \(counts.failures[$0.key] ?? 0) of them made to fail" }
        let statuses = counts.statuses.sorted { $0.key < $1.key }.map { "results with status \($0.key): \($0.value)" }
        // Two runs with the same did the same, step by step and thread by thread.
        let course = [turns_fingerprint(), model.fingerprint].map { String($0, radix: 16) }.joined(separator: " ")
        return events + verbs + statuses + ["turns of threads: \(turns_count())", "course: \(course)"]
    }

    func replayCommand(_ steps: Int) -> String { model.replayCommand(steps: steps) }
}

/// What is said when no thread can go on.
enum Stuck {
    // Written before there is a second thread.
    nonisolated(unsafe) static var replayCommand = ""
    nonisolated(unsafe) static var model: AdapterRun?

    static func report(_ reason: String) -> Never {
        let step = unsafe model?.steps ?? 0
        print("violation at step \(step): \(reason)")
        print("replay with: \(unsafe replayCommand)")
        fflush(nil)
        _exit(1)
    }
}
