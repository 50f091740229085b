import Foundation
import TestSupport
import Testing

/// Random calls of the whole C interface; `Scripts/fuzz` makes many more of the same.
@Suite("Random calls of the C interface")
struct FuzzTests {
    /// Mostly enough for every function to do what it is for.
    private static let calls = 60_000

    @Test("return what is documented, end once, and leave nothing behind")
    func calls() throws {
        var run: CommandRun
        var seed = 0
        repeat {
            seed += 1
            run = try Self.run(["--calls", "\(Self.calls)", "--seed", "\(seed)"])
        } while run.output.contains("violation: never succeeded") && seed < 4
        #expect(run.status == 0, "\(run.output)\n\(run.errors)")
        #expect(run.output.hasSuffix("no violation\n"))
    }

    @Test(
        "show every bug that is put in between",
        arguments: [
            ("answersOddly", "returned STATUS_?"), ("completesTwice", "a completion came for call"),
            ("forgetsCompletion", "these never ended"), ("losesResult", "no result came for"),
            ("repeatsResult", "a result names request"), ("keepsObject", "turns go by and nothing is done"),
        ])
    func canary(_ name: String, finding: String) throws {
        // The course of a seed is another in every build, and one of them may miss what shows up seldom.
        for seed in 3..<9 {
            let arguments = ["--calls", "20000", "--seed", "\(seed)", "--canary", name]
            let run = try Self.run(arguments)
            guard run.status != 0 else { continue }
            #expect(run.status == 1)
            let found = try #require(run.output.firstRange(of: "violation: "), "\(run.output)")
            #expect(run.output[found.upperBound...].contains(finding), "\(run.output[found.upperBound...])")
            let replay = "replay with: Scripts/fuzz \(arguments.joined(separator: " "))"
            #expect((run.output + run.errors).contains(replay))
            return
        }
        Issue.record("nothing was found")
    }

    @Test("tell of a crash which call it was, and how to repeat it")
    func crash() throws {
        let run = try Self.run(["--calls", "1000", "--seed", "4", "--canary", "crashes"])
        #expect(run.status != 0)
        #expect(run.errors.contains("fuzz: within or after call 50 ("), "\(run.errors)")
        #expect(run.errors.contains("replay with: Scripts/fuzz --calls 1000 --seed 4 --canary crashes"))
    }

    @Test("are the same once more from the same seed")
    func replay() throws {
        let runs = try (0..<2).map { _ in try Self.run(["--calls", "5000", "--seed", "5"]) }
        let courses = runs.map { $0.output.firstMatch(of: /course: ([0-9a-f ]+)/)?.1 }
        #expect(courses[0] != nil && courses[0] == courses[1], "\(courses)")
    }

    @Test(
        "are refused where an argument makes no sense",
        arguments: [(["--calls", "0"], "at least one call"), (["--canary", "parrot"], "completesTwice")])
    func refusal(_ arguments: [String], explanation: String) throws {
        let run = try CommandRun([CommandRun.path(of: "Fuzz")] + arguments)
        #expect(run.status == 64)
        #expect(run.errors.contains(explanation), "\(run.errors)")
    }

    private static func run(_ arguments: [String]) throws -> CommandRun {
        try CommandRun([CommandRun.path(of: "Fuzz")] + arguments, environment: ["SWIFT_BACKTRACE": "enable=no"])
    }
}
