/// One moment of a transfer as a line of text: `image.raw  45% [=====>      ] 7.2 MiB  12.1 MiB/s  0:00:01 left`.
package struct ProgressLine {
    /// What is moved.
    package var name: String
    /// How many bytes have moved.
    package var doneBytes: UInt64
    /// How many there are.
    package var totalBytes: UInt64
    /// How long it has taken so far.
    package var elapsed: Duration

    package init(name: String, doneBytes: UInt64, totalBytes: UInt64, elapsed: Duration) {
        self.name = name
        self.doneBytes = doneBytes
        self.totalBytes = totalBytes
        self.elapsed = elapsed
    }

    /// The line in at most `width` characters.
    package func text(width: Int) -> String {
        let figures = "\(percent)%  \(Quantity.bytes(doneBytes))  \(rate)  \(remaining)"
        let room = width - figures.count
        guard room >= Self.shortestName + Self.shortestBar + 4 else { return String(figures.prefix(max(0, width))) }
        let nameWidth = min(name.count, max(Self.shortestName, room / 3))
        let barWidth = min(Self.longestBar, room - nameWidth - 4)
        return "\(shortened(name, to: nameWidth)) \(bar(width: barWidth)) \(figures)"
    }

    private static let shortestName = 8
    private static let shortestBar = 6
    private static let longestBar = 40

    /// An empty file is complete from the beginning.
    private var fraction: Double {
        totalBytes == 0 ? 1 : min(1, Double(doneBytes) / Double(totalBytes))
    }

    private var percent: String {
        let text = "\(Int(fraction * 100))"
        return String(repeating: " ", count: 3 - text.count) + text
    }

    private var rate: String { Quantity.rate(doneBytes, in: elapsed) }

    private var remaining: String {
        guard doneBytes > 0, doneBytes < totalBytes else { return doneBytes < totalBytes ? "-:-- left" : "done" }
        let seconds = elapsed / .seconds(1) * (1 / fraction - 1)
        // Who announces a file of exabytes does not get more than four days.
        return Quantity.clock(seconds: Int64(min(seconds.rounded(.up), 359_999))) + " left"
    }

    private func bar(width: Int) -> String {
        let inner = width - 2
        let filled = Int(fraction * Double(inner))
        let head = filled < inner ? ">" : ""
        return "[" + String(repeating: "=", count: filled) + head
            + String(repeating: " ", count: inner - filled - head.count) + "]"
    }

    /// The end of a path says more than its beginning.
    private func shortened(_ text: String, to width: Int) -> String {
        text.count <= width ? text : "…" + text.suffix(width - 1)
    }
}
