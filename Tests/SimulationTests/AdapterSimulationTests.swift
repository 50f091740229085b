import AdapterModel
import Testing
import enum Verbs.Verb

/// The whole adapter under random schedules; `Scripts/simulate --level adapter` runs many more steps of the same.
@Suite("A random life of an adapter")
struct AdapterSimulationTests {
    private static let seeds: [UInt64] = [1, 2, 3, 4]

    /// The runs of all seeds, which are done once.
    private static let runs = Result { try SimulationRun.all(seeds: seeds, steps: 10_000) }

    @Test("harms nothing, loses no result, and leaves nothing behind [36] [37] [39] [42] [43] [44] [45] [46] [48]")
    func life() throws {
        for run in try Self.runs.get() {
            #expect(run.violation == nil, "\(run.output)")
            #expect(run.status == 0, "\(run.errors)")
        }
    }

    @Test("comes to everything that a program, a device or a peer can do", arguments: AdapterEvent.allCases)
    func event(_ event: AdapterEvent) throws {
        let count = try Self.runs.get().reduce(0) { $0 + $1.count("\(event)") }
        #expect(count > 0)
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

    @Test("has every verb fail", arguments: Verb.allCases)
    func failure(of verb: Verb) throws {
        let count = try Self.runs.get().reduce(0) { $0 + $1.failures(of: "\(verb)") }
        let exception = Self.unfailing.first { $0.verbs.contains(verb) }
        #expect((count > 0) == (exception == nil), "\(exception?.reason ?? "it never failed")")
    }

    @Test("has requests end with every status", arguments: 0...23)
    func status(_ status: Int) throws {
        let count = try Self.runs.get().reduce(0) { $0 + $1.count("results with status \(status)") }
        #expect(count > 0)
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
