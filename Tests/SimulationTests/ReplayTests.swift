import Testing

/// Whether a seed decides everything.
@Suite(
    "A replay of a simulation",
    .enabled(if: SimulationRun.isCourseFixed, "the system lets no process fix its memory's places"))
struct ReplayTests {
    @Test("takes the same course, to the last turn of the last thread")
    func course() throws {
        let runs = try (0..<2).map { _ in try SimulationRun(seed: 11, steps: 4_000) }
        #expect(runs.map(\.status) == [0, 0])
        #expect(runs[0].fingerprint != nil)
        #expect(runs[0].course == runs[1].course)
        let other = try SimulationRun(seed: 12, steps: 4_000)
        #expect(other.status == 0)
        #expect(other.fingerprint != runs[0].fingerprint)
    }

    @Test("finds what was found, with the command that was printed")
    func violation() throws {
        let run = try SimulationRun(seed: 1, steps: 8_000, canary: "repeatsResult")
        #expect(run.status == 1)
        let replay = try SimulationRun(try #require(run.replayArguments))
        #expect(replay.status == 1)
        #expect(replay.violation != nil)
        #expect(replay.course == run.course)
    }
}
