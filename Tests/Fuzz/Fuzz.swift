import ArgumentParser
import CallLog
import Course
import Glibc
import TrackingModel
import Turns

@main
struct Fuzz: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fuzz",
        abstract: "Calls every function of the C interface with random arguments.",
        discussion: """
            Objects that are open, closed, of another kind or NULL; flags, lengths, tokens and addresses that make sense \
            or do not; from the program's thread, from within callbacks and beside a thread that dispatches them; over a \
            device in memory that refuses calls, fails requests and has peers that come and go. Every call returns what \
            is documented for it, every call that pends ends once, and in the end nothing is left.

            Everything follows from the seed, also which thread goes on and what the clock says. What is found is printed \
            with the number of the call and the command that replays it, and so is a crash. Addresses that are nobody's \
            are never passed for an object or for memory that a call reads: no library survives these.
            """)

    @Option(help: ArgumentHelp("How many calls to make.", valueName: "N"))
    var calls = 1_000_000

    @Option(help: ArgumentHelp("The seed; random if not given.", valueName: "S"))
    var seed = UInt64.random(in: 0..<1_000_000_000)

    @Option(help: ArgumentHelp("Puts a bug in between, which must be found.", valueName: "NAME"))
    var canary: FuzzCanary?

    func validate() throws {
        if calls < 1 { throw ValidationError("--calls \(calls): at least one call is needed") }
    }

    /// So many turns without a call mean that nothing will come any more.
    private static let patience: UInt64 = 3_000_000
    /// More than a life takes under a sanitizer.
    private static let secondsForALife: CUnsignedInt = 120

    private var replayCommand: String {
        "Scripts/fuzz --calls \(calls) --seed \(seed)" + (canary.map { " --canary \($0)" } ?? "")
    }

    func run() throws {
        FixedCourse.require("fuzz")
        // It stays for good.
        unsafe call_log_begin(strdup(replayCommand)!)
        unsafe turns_begin(seed, Self.patience) { reason in
            print("violation: \(unsafe String(cString: reason))")
            fflush(nil)
            call_log_tell()
            _exit(1)
        }
        print("seed \(seed), \(calls) calls")
        let run = FuzzRun(seed: seed, canary)
        let progress = Progress("fuzz", "calls", of: calls, every: 100_000)
        var finding: String?
        let time = ContinuousClock().measure {
            do throws(Violation) {
                try run.run(calls: calls) { done in
                    call_log_allow(Self.secondsForALife)
                    progress.tell(done)
                }
            } catch { finding = "\(error.finding), at call \(run.calls)" }
        }
        run.record.tally.lines.forEach { print("  \($0)") }
        print("\(run.calls) calls in \(time); course: \(String(turns_fingerprint(), radix: 16))")
        let missing = run.record.tally.missing
        if finding == nil, !missing.isEmpty {
            finding = "never succeeded: \(missing.map(\.rawValue).joined(separator: ", "))"
        }
        guard let finding else { return print("no violation") }
        print("violation: \(finding)")
        print("replay with: \(replayCommand)")
        // Others may be waiting for their turn, which will not come: nothing that waits for them may run.
        fflush(nil)
        _exit(1)
    }
}

extension FuzzCanary: ExpressibleByArgument {}
