/// Columns of text for a terminal, each as wide as its widest cell.
package struct TextTable {
    private var rows: [[String]]

    /// Begins with a row of headings, or with none.
    package init(headings: [String] = []) {
        rows = headings.isEmpty ? [] : [headings]
    }

    /// Adds a row; rows may have different numbers of cells.
    package mutating func add(_ cells: [String]) {
        rows.append(cells)
    }

    /// The lines, without blanks at their ends.
    package var lines: [String] {
        var widths: [Int] = []
        for row in rows {
            widths += repeatElement(0, count: max(0, row.count - widths.count))
            for (column, cell) in row.enumerated() { widths[column] = max(widths[column], cell.count) }
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                cell + String(repeating: " ", count: widths[column] - cell.count)
            }
            return cells.joined(separator: "  ").trimmingBlanks
        }
    }
}

extension String {
    fileprivate var trimmingBlanks: String {
        var text = Substring(self)
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
