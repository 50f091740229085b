import AdapterModel
import ArgumentParser
import TrackingModel

@main
struct Simulation: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs random schedules against models: of the tracking of mappings, and of the whole adapter.",
        discussion: """
            Each step does one thing that a program, the device or a peer could do next, and checks the answer: no \
            memory is unmapped while the device may touch it, and everything is released in the end. With --canary \
            a bug is put in between, which the model must find.
            """)

    @Option(help: "What to run; both if not given.")
    var level: Level?

    @Option(help: "How many steps to run; of the adapter a hundredth of it, where both levels run.")
    var steps: Int?

    @Option(help: "The seed of the schedule; random if not given.")
    var seed = UInt64.random(in: 0..<1_000_000_000)

    @Option(help: ArgumentHelp("A bug to find.", discussion: Self.canaries, valueName: "name"))
    var canary: String?

    private static var canaries: String {
        Level.allCases.map { "\($0): \($0.canaries.joined(separator: ", "))." }.joined(separator: "\n")
    }

    func validate() throws {
        guard let canary else { return }
        guard levels.contains(where: { $0.canaries.contains(canary) }) else {
            throw ValidationError("there is no canary \(canary)")
        }
    }

    /// Those that were asked for, or that have the canary.
    private var levels: [Level] {
        if let level { return [level] }
        guard let canary else { return Level.allCases }
        return Level.allCases.filter { $0.canaries.contains(canary) }
    }

    func run() throws {
        FixedCourse.require()
        var isRight = true
        for level in levels {
            let steps = steps.map { levels.count > 1 ? level.share(of: $0) : $0 } ?? level.usualSteps
            switch level {
            case .tracking: isRight = report(TrackingSimulation(seed, canary), steps) && isRight
            case .adapter: isRight = report(AdapterSimulation(seed, canary), steps) && isRight
            }
        }
        guard isRight else { throw ExitCode.failure }
    }

    /// Runs the simulation of one level, and tells what came of it.
    private func report(_ simulation: some LevelSimulation, _ steps: Int) -> Bool {
        print("\(simulation.level): seed \(seed), \(steps) steps\(canary.map { ", canary \($0)" } ?? "")")
        var violation: Violation?
        let time = ContinuousClock().measure {
            do throws(Violation) { try simulation.run(steps) } catch { violation = error }
        }
        simulation.figures.forEach { print("  \($0)") }
        let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        print("\(simulation.stepsDone) steps in \(time), \(Int(Double(simulation.stepsDone) / seconds)) per second")
        guard let violation else {
            print("no violation")
            return true
        }
        print("violation at \(violation)")
        print("replay with: \(simulation.replayCommand(steps))")
        return false
    }
}

/// What can be simulated.
enum Level: String, CaseIterable, ExpressibleByArgument {
    case tracking
    case adapter

    var usualSteps: Int {
        switch self {
        case .tracking: 10_000_000
        case .adapter: 100_000
        }
    }

    func share(of steps: Int) -> Int {
        switch self {
        case .tracking: steps
        case .adapter: max(1, steps / 100)
        }
    }

    var canaries: [String] {
        switch self {
        case .tracking: Canary.allCases.map(\.rawValue)
        case .adapter: AdapterCanary.allCases.map(\.rawValue)
        }
    }
}
