/// Figures for people: a table for each group, and below it what could not be measured.
package struct BenchTable {
    private let figures: [BenchFigure]

    package init(_ figures: [BenchFigure]) {
        self.figures = figures
    }

    /// The lines of all tables, with an empty one before each.
    package var lines: [String] {
        BenchGroup.allCases.flatMap { group -> [String] in
            let figures = figures.filter { $0.subject.group == group }
            guard !figures.isEmpty else { return [] }
            let table = figures.contains { $0.ours != nil } ? Self.table(figures).lines : []
            return ["", "\(group.rawValue): \(group.summary)"] + table + Self.notes(figures)
        }
    }

    private static func table(_ figures: [BenchFigure]) -> TextTable {
        var table = TextTable(headings: ["", "", "lam", "middle half", "99 %", "plain C", "ratio", "in plain C"])
        for figure in figures {
            guard let ours = figure.ours else { continue }
            table.add(
                [
                    figure.subject.name, figure.subject.conditionText,
                    time(ours.median), "\(time(ours.p25)) to \(time(ours.p75))", time(ours.p99),
                    figure.plain.map { time($0.median) } ?? "-", figure.ratio.map { decimal($0.median, 2) } ?? "-",
                    figure.subject.baseline ?? "",
                ])
        }
        return table
    }

    /// A line for each reason, with the figures that it stands for.
    private static func notes(_ figures: [BenchFigure]) -> [String] {
        var subjects: [(note: String, subjects: [BenchSubject])] = []
        for figure in figures {
            guard let note = figure.note else { continue }
            if let index = subjects.firstIndex(where: { $0.note == note }) {
                subjects[index].subjects.append(figure.subject)
            } else {
                subjects.append((note, [figure.subject]))
            }
        }
        return subjects.map { note, subjects in
            let first = [subjects[0].name, subjects[0].conditionText].filter { !$0.isEmpty }.joined(separator: ", ")
            let others = subjects.count == 1 ? "" : ", and \(subjects.count - 1) more"
            return "not measured: \(first)\(others): \(note)"
        }
    }

    /// Nanoseconds in the unit that suits them.
    static func time(_ nanoseconds: Double) -> String {
        switch nanoseconds {
        case ..<1000: decimal(nanoseconds, 1) + " ns"
        case ..<1e6: decimal(nanoseconds / 1e3, 1) + " µs"
        case ..<1e9: decimal(nanoseconds / 1e6, 1) + " ms"
        default: decimal(nanoseconds / 1e9, 2) + " s"
        }
    }
}

/// Figures for programs that read tables: a line for each, with times in nanoseconds.
package struct BenchSheet {
    private let figures: [BenchFigure]

    package init(_ figures: [BenchFigure]) {
        self.figures = figures
    }

    package var text: String {
        let parts = ["rounds", "least", "p25", "median", "p75", "p90", "p99", "p999", "most", "mean"]
        let head =
            ["group", "name", "conditions", "baseline"] + parts.map { "lam_" + $0 } + parts.map { "plain_" + $0 }
            + ["ratio_p25", "ratio_median", "ratio_p75", "note"]
        let rows = figures.map { figure in
            let subject = figure.subject
            let ratio = figure.ratio.map { [$0.p25, $0.median, $0.p75] }
            return [subject.group.rawValue, subject.name, subject.conditionText, subject.baseline ?? ""]
                + Self.cells(figure.ours) + Self.cells(figure.plain)
                + (ratio.map { $0.map { "\($0)" } } ?? ["", "", ""]) + [figure.note ?? ""]
        }
        return ([head] + rows).map { $0.map(Self.quoted).joined(separator: ",") + "\n" }.joined()
    }

    private static func cells(_ times: Distribution?) -> [String] {
        guard let times else { return Array(repeating: "", count: 10) }
        let quantiles = [
            times.least, times.p25, times.median, times.p75, times.p90, times.p99, times.p999, times.most, times.mean,
        ]
        return ["\(times.rounds)"] + quantiles.map { "\($0)" }
    }

    /// As RFC 4180 has it.
    private static func quoted(_ cell: String) -> String {
        guard cell.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return cell }
        return "\"" + cell.replacing("\"", with: "\"\"") + "\""
    }
}

extension BenchSubject {
    /// `64 KiB, 4 KiB pages, warm`: sizes first.
    package var conditionText: String {
        let names = conditions.keys.sorted { $0 == "size" ? $1 != "size" : $1 != "size" && $0 < $1 }
        return names.map { name in
            let value = conditions[name]!
            switch name {
            case "size": return Int(value).map { Self.size($0) } ?? value
            case "pages": return "\(value) pages"
            case "memory": return value
            default: return "\(name) \(value)"
            }
        }.joined(separator: ", ")
    }

    private static func size(_ bytes: Int) -> String {
        let units = ["bytes", "KiB", "MiB", "GiB"]
        var (value, unit) = (bytes, 0)
        while value >= 1024, value.isMultiple(of: 1024), unit < 3 {
            value /= 1024
            unit += 1
        }
        return "\(value) \(units[unit])"
    }
}

/// A number with so many digits behind the point.
func decimal(_ value: Double, _ digits: Int) -> String {
    let scale = Int64((0..<digits).reduce(1) { scale, _ in scale * 10 })
    let scaled = Int64((value * Double(scale)).rounded())
    let rest = "\(abs(scaled % scale))"
    let sign = scaled < 0 && scaled > -scale ? "-" : ""
    return digits == 0
        ? "\(scaled)" : sign + "\(scaled / scale)." + String(repeating: "0", count: digits - rest.count) + rest
}
