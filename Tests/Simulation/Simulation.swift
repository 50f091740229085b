import ArgumentParser
import TrackingModel

@main
struct Simulation: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs the tracking of memory mappings against a naive model, under random schedules.",
        discussion: """
            Each step does one thing that a program, the device or a peer could do next, and checks the answer: no \
            memory is unmapped while the device may touch it, and everything is released in the end. With --canary \
            a bug is put in between, which the model must find.
            """)

    @Option(help: "How many steps to run.")
    var steps = 10_000_000

    @Option(help: "The seed of the schedule; random if not given.")
    var seed = UInt64.random(in: 0..<1_000_000_000)

    @Option(help: "A bug to find: \(Canary.allCases.map(\.rawValue).joined(separator: ", ")).")
    var canary: Canary?

    func run() throws {
        print("seed \(seed), \(steps) steps\(canary.map { ", canary \($0)" } ?? "")")
        let run = ModelRun(seed: seed, canary: canary)
        var violation: Violation?
        let time = ContinuousClock().measure {
            do throws(Violation) { try run.run(steps: steps) } catch { violation = error }
        }
        report(run, time)
        guard let violation else { return print("no violation") }
        print("violation at \(violation)")
        print("replay with: \(run.replayCommand(steps: steps))")
        throw ExitCode.failure
    }

    private func report(_ run: ModelRun, _ time: Duration) {
        for event in Event.allCases { print("  \(event): \(run.events[event])") }
        let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        print("\(run.steps) steps in \(time), \(Int(Double(run.steps) / seconds)) per second")
    }
}

extension Canary: ExpressibleByArgument {}
