import LAM
import Measuring
import PlainVerbs
import StubProvider

/// What tracking costs where the device costs nothing: posts and completions over the stub provider, beside a C loop over
/// the same verbs.
///
/// `lam-native-bench TABLE...` prints some of the tables, and without arguments all but `peers`, which needs one.
/// `lam-native-bench run PATH COUNT` walks one path `COUNT` times and prints nothing: what `check-thresholds` counts
/// the instructions of.
@main
struct NativeBench {
    static let rounds = 301
    /// Whole intervals of silent requests.
    static let operations = 320 * 64

    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.first != "run" else { return try run(Array(arguments.dropFirst())) }
        let unknown = arguments.filter { name in !tables.contains { $0.name == name } }
        guard unknown.isEmpty else {
            fatalError(
                "there is no \(unknown.joined(separator: ", ")), but \(tables.map(\.name).joined(separator: ", "))")
        }
        print("stub provider (posts and polls return at once); \(Machine.description)")
        print("\(rounds) rounds of \(operations) requests, in turn with the C loop; median [middle half]")
        for table in tables where arguments.contains(table.name) || (arguments.isEmpty && table.name != "peers") {
            print("\n\(try table.text())")
        }
    }

    private static var tables: [(name: String, text: () throws -> String)] {
        [
            ("posting", postingTable),
            ("tables", { try TablesBench().report() }),
            ("release", { try ReleaseBench().report() }),
            ("arena", { try ArenaBench().report() }),
            ("cache", { try CacheBench().report() }),
            ("live", { try LiveBench().report() }),
            ("cold", { try ColdBench().report() }),
            ("peers", { try PeersBench().report() }),
        ]
    }

    private static func postingTable() throws -> String {
        let bench = try PostingBench()
        defer { bench.finish() }
        var table = Table("per request", "ours ns", "plain C ns", "difference ns", "allocations", "target")
        for path in PostingBench.Path.allCases {
            try bench.compare(path, in: &table)
        }
        return table.text
    }

    private static func run(_ arguments: [String]) throws {
        guard arguments.count == 2, let count = Int(arguments[1]) else {
            fatalError("lam-native-bench run PATH COUNT")
        }
        switch arguments[0] {
        case "tables":
            try TablesBench().run(count)
        case "release":
            try ReleaseBench().run(count)
        case "arena":
            try ArenaBench().run(count)
        case "cache":
            try CacheBench().run(count)
        case "miss":
            try CacheBench().runMisses(count)
        case let name:
            let bench = try PostingBench()
            try bench.run(name, count)
            bench.finish()
        }
    }
}

/// What `operations` requests allocate, for each of them.
func allocationsPerRequest(_ body: () throws -> Void) rethrows -> String {
    let before = stub_allocation_count()
    try body()
    let (allocations, requests) = (stub_allocation_count() - before, UInt64(NativeBench.operations))
    return allocations.isMultiple(of: requests) ? "\(allocations / requests)" : "\(allocations) in \(requests)"
}
