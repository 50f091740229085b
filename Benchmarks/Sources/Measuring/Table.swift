/// Rows of text in aligned columns.
public struct Table {
    private var rows: [[String]]

    /// A table of these columns.
    public init(_ header: String...) {
        rows = [header]
    }

    /// Adds a row with as many cells as there are columns.
    public mutating func add(_ cells: String...) {
        rows.append(cells)
    }

    /// The table; the first column is aligned to the left, the others to the right.
    public var text: String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row.indices, row).map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + space : space + cell
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
