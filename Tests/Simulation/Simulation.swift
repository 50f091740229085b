import AdapterModel
import ArgumentParser
import Course
import Glibc
import TrackingModel

@main
struct Simulation: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs random schedules against models: of the tracking of mappings, and of the whole adapter.",
        discussion: """
            Each step does one thing that a program, the device or a peer could do next, and checks the answer: no \
            memory is unpinned or handed out again while the device may touch it, no result is lost, and nothing is \
            left in the end. The level "tracking" is the module Tracking alone. The level "adapter" is everything \
            above the verbs: adapter, reaper, queues, arena, cache and their threads, over a device in memory that \
            refuses calls, fails, is late, loses results and is removed.

            Everything follows from the seed, also which thread goes on and what the clock says. A violation is printed \
            with the command that replays it. With --canary a bug is put in between, which the model must find.
            """)

    @Option(help: "What to run.")
    var level = Levels.both

    @Option(
        help: ArgumentHelp(
            "How many steps to run; of the adapter a hundredth of it, where both levels run.",
            discussion: "Unless given: \(Level.allCases.map { "\($0.usualSteps) of \($0)" }.joined(separator: ", ")).",
            valueName: "N"))
    var steps: Int?

    @Option(help: ArgumentHelp("The seed of the schedule; random if not given.", valueName: "S"))
    var seed = UInt64.random(in: 0..<1_000_000_000)

    @Option(help: ArgumentHelp("A bug to find.", discussion: Self.canaries(of: Level.allCases), valueName: "name"))
    var canary: String?

    private static func canaries(of levels: [Level]) -> String {
        levels.map { "\($0): \($0.canaries.joined(separator: ", "))." }.joined(separator: "\n")
    }

    func validate() throws {
        if let steps, steps < 1 { throw ValidationError("--steps \(steps): at least one step is needed") }
        if let canary, levels.isEmpty {
            throw ValidationError("there is no canary \(canary); there are\n\(Self.canaries(of: level.levels))")
        }
    }

    /// Those that were asked for and, of these, the one that has the canary.
    private var levels: [Level] {
        level.levels.filter { level in canary.map { level.canaries.contains($0) } ?? true }
    }

    func run() throws {
        FixedCourse.require("simulate")
        var isRight = true
        for level in levels {
            let steps = steps.map { levels.count > 1 ? level.share(of: $0) : $0 } ?? level.usualSteps
            switch level {
            case .tracking: isRight = report(TrackingSimulation(seed, canary), of: level, steps) && isRight
            case .adapter: isRight = report(AdapterSimulation(seed, canary), of: level, steps) && isRight
            }
        }
        guard isRight else {
            // Others may be waiting for their turn, which will not come: nothing that waits for them may run.
            fflush(nil)
            _exit(1)
        }
    }

    /// Runs the simulation of one level, and tells what came of it.
    private func report(_ simulation: some LevelSimulation, of level: Level, _ steps: Int) -> Bool {
        print("\(level): seed \(seed), \(steps) steps\(canary.map { ", canary \($0)" } ?? "")")
        let progress = Progress("simulate: \(level)", "steps", of: steps, every: level.stepsBetweenReports)
        var violation: Violation?
        let time = ContinuousClock().measure {
            do throws(Violation) { try simulation.run(steps, progress) } catch { violation = error }
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
