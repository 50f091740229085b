import LAM
import Measuring
import PlainVerbs
import StubProvider

/// What tracking costs where the device costs nothing: posts and completions over the stub provider, beside a C loop over
/// the same verbs.
@main
struct NativeBench {
    static let rounds = 41
    static let operations = 200_000

    static func main() throws {
        print("stub provider (posts and polls return at once); \(Machine.description)")
        print("\(rounds) rounds of \(operations) requests, in turn with the C loop; median [middle half]\n")
        let bench = try PostingBench()
        var table = Table("per request", "ours ns", "plain C ns", "difference ns", "allocations", "target")
        try bench.add(
            to: &table, "signaled: post, poll", target: "<= 10 ns",
            ours: bench.postSignaled, baseline: bench.plainSignaled)
        try bench.add(
            to: &table, "silent: post, poll each 64th", target: "<= 3 ns",
            ours: bench.postSilent, baseline: bench.plainUnsignaled)
        print(table.text)
        print("\n\(try ReleaseBench().report())")
        bench.finish()
    }
}
