import Testing

/// How the simulation is asked for what it is to do.
@Suite("The command of the simulation")
struct SimulationCommandTests {
    @Test(
        "says what is wrong with an argument, and what there is",
        arguments: [
            (["--level", "queue"], "'tracking', 'adapter' or 'both'"),
            (["--steps", "many"], "--steps"),
            (["--steps=0"], "at least one step"),
            (["--canary", "parrot"], "there is no canary parrot"),
            (["--level", "tracking", "--canary", "losesResult"], "tracking: retiresOneTooMany"),
        ])
    func refusal(arguments: [String], explanation: String) throws {
        let run = try SimulationRun(arguments)
        #expect(run.status == 64)
        #expect(run.errors.contains(explanation), "\(run.errors)")
    }

    @Test("runs both levels unless told otherwise, the adapter for a hundredth of the steps")
    func levels() throws {
        let run = try SimulationRun(["--seed", "5", "--steps", "20000"])
        #expect(run.status == 0)
        #expect(run.output.contains("tracking: seed 5, 20000 steps"))
        #expect(run.output.contains("adapter: seed 5, 200 steps"))
    }
}
