import CNDK

/// How often each function was called, and what became of it.
struct Tally {
    private struct Row {
        var calls = 0
        var successes = 0
        var statuses: Set<NTSTATUS> = []
    }

    private var rows: [EntryPoint: Row] = [:]

    /// How many calls there were.
    private(set) var count = 0

    /// A call begins.
    ///
    /// - Returns: its number.
    mutating func add(call entry: EntryPoint) -> Int {
        rows[entry, default: Row()].calls += 1
        count += 1
        return count
    }

    /// The answer to a call, or what its completion said.
    mutating func add(_ status: NTSTATUS, of entry: EntryPoint) {
        rows[entry, default: Row()].statuses.insert(status)
    }

    mutating func add(success entry: EntryPoint) {
        rows[entry, default: Row()].successes += 1
    }

    /// Those that were not called, or never did what they are for.
    var missing: [EntryPoint] { EntryPoint.allCases.filter { rows[$0]?.successes ?? 0 == 0 } }

    /// A line for each function.
    var lines: [String] {
        let header = [Self.line("function", "calls", "successes", "statuses")]
        return header
            + EntryPoint.allCases.map { entry in
                let row = rows[entry] ?? Row()
                return Self.line(
                    entry.rawValue, "\(row.calls)", "\(row.successes)",
                    entry.statuses == nil ? "-" : "\(row.statuses.count)")
            }
    }

    private static func line(_ name: String, _ figures: String...) -> String {
        let width = 42
        return name + String(repeating: " ", count: max(1, width - name.count))
            + figures.map { String(repeating: " ", count: max(1, 10 - $0.count)) + $0 }.joined()
    }
}
