import Tracking

/// A random schedule against the tracking under test, and a naive model that knows what must come out.
///
/// A run is a sequence of rounds, each with proportions of its own. Every step does one thing that a program, the
/// device or a peer could do next, and checks the answer; a round ends with everything released.
package final class ModelRun {
    /// How often each event happened so far.
    package internal(set) var events = EventCounts()
    /// How many steps were done.
    package private(set) var steps = 0

    private let seed: UInt64
    private let canary: Canary?
    let driver: Driver
    var random: RandomSource
    var device = ModelDevice()
    var profile: Profile
    private var stepsLeftInRound = 0

    var queues: [ModelQueue] = []
    var sharedQueues: [ModelSharedQueue] = []
    var queuesOpened = 0
    var mappings: [ModelMapping] = []
    /// Settled, or never mapped.
    var freeCuts: [ModelCut] = []
    var windows: [ModelWindow] = []
    var lastContext: UInt64 = 0
    var lastKey: UInt32 = 0

    /// Names of what is gone, which must find nothing: addresses, identifiers, and completions nobody polled.
    var staleAddresses = Memory<UInt64>(capacity: 64)
    var staleMappings = Memory<MappingID>(capacity: 64)
    var staleWires = Memory<WireID>(capacity: 64)
    var releasedRanges = ReleasedRanges()

    /// Prepares the run of a seed.
    package init(seed: UInt64, canary: Canary? = nil) {
        self.seed = seed
        self.canary = canary
        driver = Driver(canary: canary)
        random = RandomSource(seed: seed)
        profile = Profile(&random)
        // Only four slots for large mappings are left: these are used again at once, unlike those for others.
        for _ in 0..<4092 { _ = driver.mappings.reserve(memory: 0, length: 4 << 30) }
    }

    /// The command that does the same once more, step by step.
    package func replayCommand(steps: Int) -> String {
        "Scripts/simulate --level tracking --seed \(seed) --steps \(steps)" + (canary.map { " --canary \($0)" } ?? "")
    }

    /// Does `count` more steps, and releases everything.
    ///
    /// - Parameters:
    ///   - count: how many.
    ///   - progress: called before each.
    /// - Throws: what was found.
    package func run(steps count: Int, progress: () -> Void = {}) throws(Violation) {
        do throws(Violation) {
            for _ in 0..<count {
                steps += 1
                progress()
                try step()
            }
            try finishRound()
        } catch {
            var violation = error
            violation.step = steps
            throw violation
        }
    }

    private func step() throws(Violation) {
        if stepsLeftInRound == 0 {
            try finishRound()
            profile = Profile(&random)
            stepsLeftInRound = 500 + random.below(2000)
        }
        stepsLeftInRound -= 1
        switch profile.pick(&random) {
        case .post: try post()
        case .execute: try execute()
        case .poll: try poll()
        case .map: try map()
        case .release: try release()
        case .reap: try reap()
        case .queues: try changeQueues()
        case .window: try changeWindows()
        case .shared: try shareReceives()
        case .hold: try holdQueue()
        case .stale: try useStaleNames()
        case .check: try check()
        }
    }
}

/// What a step can be about.
enum Subject: Int, CaseIterable {
    case post, execute, poll, map, release, reap, queues, window, shared, hold, stale, check
}

/// The proportions of one round.
struct Profile {
    /// How many queues and mappings there are, about.
    let queueTarget: Int
    let mappingTarget: Int
    /// The part of requests that ask for a completion, in percent.
    let signaledPercent: Int
    /// The part of steps on the device that fail.
    let failurePercent: Int
    /// How soon a poster that lost its processor gets it back, in percent for each step that would be its own.
    let patiencePercent: Int
    private let weights: [Int]
    private let totalWeight: Int

    init(_ random: inout RandomSource) {
        queueTarget = 1 + random.below(10)
        mappingTarget = 1 + random.below(16)
        signaledPercent = [5, 30, 70, 100][random.below(4)]
        failurePercent = random.chance(50) ? 0 : 1 + random.below(3)
        patiencePercent = [5, 20, 100][random.below(3)]
        let usual = [50, 25, 20, 6, 4, 4, 2, 4, 8, 1, 1, 4]
        let weights = usual.map { [$0, $0, 3 * $0, ($0 + 3) / 4][random.below(4)] }
        self.weights = weights
        totalWeight = weights.reduce(0, +)
    }

    func pick(_ random: inout RandomSource) -> Subject {
        var rest = random.below(totalWeight)
        for subject in Subject.allCases {
            rest -= weights[subject.rawValue]
            if rest < 0 { return subject }
        }
        return .check
    }
}
