import Testing
import TrackingModel

/// The tracking under random schedules; `Scripts/simulate` runs many more steps of the same.
@Suite("Model")
struct ModelTests {
    @Test("No memory goes while it is used, and all goes in the end", arguments: 1...8 as ClosedRange<UInt64>)
    func noViolation(seed: UInt64) {
        let run = ModelRun(seed: seed)
        #expect(violation(of: run, steps: 50_000) == nil)
        for event in Event.allCases {
            #expect(run.events[event] > 0, "the schedule of seed \(seed) never came to \(event)")
        }
    }

    @Test("The model notices every canary", arguments: Canary.allCases)
    func canary(_ canary: Canary) {
        let isCaught = (1...5 as ClosedRange<UInt64>).contains { seed in
            violation(of: ModelRun(seed: seed, canary: canary), steps: 400_000) != nil
        }
        #expect(isCaught)
    }

    /// What the model found, with the command that finds it again.
    private func violation(of run: ModelRun, steps: Int) -> String? {
        do throws(Violation) {
            try run.run(steps: steps)
            return nil
        } catch {
            return "\(error); replay with \(run.replayCommand(steps: steps))"
        }
    }
}
