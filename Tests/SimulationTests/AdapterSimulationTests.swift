import AdapterModel
import Testing
import enum Verbs.Verb

/// The whole adapter under random schedules; `Scripts/simulate --level adapter` runs many more steps of the same.
@Suite("A random life of an adapter")
struct AdapterSimulationTests {
    private static let seeds: [UInt64] = [1, 2, 3, 4]

    /// The runs of all seeds, which are done once, and of as many more as it takes to come to everything: the course of
    /// a seed is another in every build, and what is rare may be missing from a few of them.
    private static let runs = Result {
        var runs = try SimulationRun.all(seeds: seeds, steps: 10_000)
        while runs.count < 16, runs.allSatisfy({ $0.status == 0 }), !haveEverything(runs) {
            let next = UInt64(runs.count) + 1
            runs += try SimulationRun.all(seeds: [next, next + 1], steps: 10_000)
        }
        return runs
    }

    private static func haveEverything(_ runs: [SimulationRun]) -> Bool {
        AdapterEvent.allCases.allSatisfy { count($0, in: runs) > 0 }
            && Verb.allCases.allSatisfy { exception(for: $0) != nil || failures(of: $0, in: runs) > 0 }
            && statuses.allSatisfy { count(ofStatus: $0, in: runs) > 0 }
    }

    private static func count(_ event: AdapterEvent, in runs: [SimulationRun]) -> Int {
        runs.reduce(0) { $0 + $1.count("\(event)") }
    }

    private static func failures(of verb: Verb, in runs: [SimulationRun]) -> Int {
        runs.reduce(0) { $0 + $1.failures(of: "\(verb)") }
    }

    private static func count(ofStatus status: Int, in runs: [SimulationRun]) -> Int {
        runs.reduce(0) { $0 + $1.count("results with status \(status)") }
    }

    @Test("harms nothing, loses no result, and leaves nothing behind [36] [37] [39] [42] [43] [44] [45] [46] [48]")
    func life() throws {
        for run in try Self.runs.get() {
            #expect(run.violation == nil, "\(run.output)")
            #expect(run.status == 0, "\(run.errors)")
        }
    }

    @Test("comes to everything that a program, a device or a peer can do", arguments: AdapterEvent.allCases)
    func event(_ event: AdapterEvent) throws {
        #expect(try Self.count(event, in: Self.runs.get()) > 0)
    }

    /// Those that are never made to fail, and why.
    private static let unfailing: [(verbs: [Verb], reason: String)] = [
        ([.queryQueuePair], "nothing above the verbs calls it"),
        ([.setDescriptorMode, .openPipe, .startThread, .membarrier], "system calls, which no table replaces"),
        (
            [
                .createEventChannel, .getConnectionEvent, .acknowledgeConnectionEvent, .createIdentifier,
                .destroyIdentifier, .setOption, .bindAddress, .resolveAddress, .resolveRoute, .listen, .connect,
                .accept,
                .reject, .establish, .disconnect, .initializeAttributes,
            ], "the queue pairs are connected by hand; ConnectionFaultTests make these fail"
        ),
    ]

    private static func exception(for verb: Verb) -> String? {
        unfailing.first { $0.verbs.contains(verb) }?.reason
    }

    @Test("has every verb fail", arguments: Verb.allCases)
    func failure(of verb: Verb) throws {
        let count = try Self.failures(of: verb, in: Self.runs.get())
        let exception = Self.exception(for: verb)
        #expect((count > 0) == (exception == nil), "\(exception ?? "it never failed")")
    }

    /// All of `ibv_wc_status`.
    private static let statuses = 0...23

    @Test("has requests end with every status", arguments: statuses)
    func status(_ status: Int) throws {
        #expect(try Self.count(ofStatus: status, in: Self.runs.get()) > 0)
    }

    /// Within so many steps, of one of the seeds.
    private static let canarySteps = 8_000

    @Test("shows every bug that is put in between", arguments: AdapterCanary.allCases)
    func canary(_ canary: AdapterCanary) throws {
        let isCaught = try Self.seeds.contains { seed in
            let run = try SimulationRun(seed: seed, steps: Self.canarySteps, canary: canary.rawValue)
            return run.status == 1 && run.violation != nil && run.replayArguments != nil
        }
        #expect(isCaught)
    }
}
