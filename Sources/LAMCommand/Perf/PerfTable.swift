import LAM

/// Results side by side: a line for each size and depth, and beside each other what the mappings make of it.
struct PerfTable {
    private let results: [PerfResult]

    init(_ results: [PerfResult]) {
        self.results = results
    }

    var lines: [String] {
        guard let first = results.first else { return [] }
        let head =
            "\(first.terms.figure) of \(first.terms.operation), \(first.terms.count) messages, on \(first.device.name)"
        return [head] + (first.terms.figure == .bandwidth ? bandwidths : latencies).lines
    }

    /// The first source is what the others are compared with.
    private var bandwidths: TextTable {
        var sources: [MappingSource] = []
        for result in results where !sources.contains(result.source) { sources.append(result.source) }
        var table = TextTable(headings: ["size", "depth"] + sources.map(\.rawValue))
        var rest = results[...]
        while let first = rest.first {
            let row = rest.prefix { $0.terms == first.terms }
            rest = rest.dropFirst(row.count)
            let cells = row.map { result in
                let ratio = result.bytesPerSecond / first.bytesPerSecond
                return result.rate + (result.source == first.source ? "" : " (\(ratio.hundredths))")
            }
            table.add([Quantity.bytes(first.terms.size), "\(first.terms.depth)"] + cells)
        }
        return table
    }

    private var latencies: TextTable {
        var table = TextTable(headings: ["size", "median", "99 %", "99.9 %", "least", "most"])
        for result in results {
            let parts = [0.5, 0.99, 0.999, 0, 1].map { Quantity.time(result.percentile($0)) }
            table.add([Quantity.bytes(result.terms.size)] + parts)
        }
        return table
    }
}

extension Double {
    /// With two digits behind the point.
    fileprivate var hundredths: String {
        let hundredths = Int((self * 100).rounded())
        return "\(hundredths / 100).\(hundredths / 10 % 10)\(hundredths % 10)"
    }
}
